import { setTimeout as pause } from 'node:timers/promises';
import type { Clock } from '../../kernel/clock.js';
import { AppError } from '../../kernel/app-error.js';
import type { Database } from '../../platform/database/index.js';
import { newId } from '../../platform/ids/index.js';
import { inTurn } from '../../platform/lifecycle/index.js';
import { type Message, type Queues, RefusedMessageError } from '../../platform/queue/index.js';
import type { AuditedChanges } from '../audited-changes.js';
import type { ChangeTx } from '../change-tx.js';
import type { LedgerKeys } from '../ledger-keys.js';
import { checkLedger } from './ledger-check.js';
import { SweepReading } from './sweep-reading.js';
import {
  type Finding,
  findingBody,
  findingsBefore,
  finishSweep,
  insertSweep,
  readSweep,
  saveProgress,
  type Sweep,
  sweptZones,
  tamperedZones,
  unfinishedSweep,
} from './sweep-rows.js';

const JOB = 'ledger-sweep';
const EVERY_MS = 3_600_000;
/** Readiness waits for its answer a little longer. */
const ANSWER_MS = 1_000;

export interface LedgerSweepsParts {
  readonly database: Database;
  readonly changes: AuditedChanges;
  readonly keys: LedgerKeys;
  readonly clock: Clock;
  /** Raised once for each finding that the sweep before did not have. */
  readonly alarm: (zone: string, finding: Finding) => void;
  /** Entries that are read at once; progress is saved every ten such steps. */
  readonly batch?: number;
}

/** Sweeps: the server's own look at its ledgers, now and then and when somebody asks. One replica does each; another goes on where it stopped. */
export class LedgerSweeps {
  private readonly reading: SweepReading;
  private sound = true;

  constructor(private readonly parts: LedgerSweepsParts) {
    this.reading = new SweepReading(parts.database);
  }

  /** Registers what runs sweeps; before the queues are started. */
  register(queues: Queues): void {
    queues.consume('maintenance', { [JOB]: (message) => this.handle(message) });
    queues.schedule('ledger-sweeps', EVERY_MS, () => this.sweepAll());
  }

  /** Asks for a sweep of the zone in the caller's transaction; answers its id. */
  async request(tx: ChangeTx): Promise<string> {
    const id = newId('job');
    await insertSweep(tx, id, new Date(this.parts.clock.now()));
    tx.enqueue({ queue: 'maintenance', name: JOB, aggregate: `sweep:${id}`, body: { sweep: id } });
    return id;
  }

  /** The sweep as it stands; throws `not_found`. */
  async get(zone: string, id: string): Promise<Sweep> {
    const sweep = await readSweep(this.parts.database, zone, id);
    if (!sweep) throw new AppError('not_found', 'There is no such sweep.');
    return sweep;
  }

  /** False while the last sweep of some zone has findings; readiness reports `ledger_tampered`. While nobody can be asked, what was known last stands. */
  async isSound(): Promise<boolean> {
    const asked = tamperedZones(this.parts.database).then(
      (zones) => (this.sound = zones.length === 0),
      () => this.sound,
    );
    return Promise.race([asked, pause(ANSWER_MS, undefined, { ref: false }).then(() => this.sound)]);
  }

  /** Sweeps every zone, one after the other. One that was left unfinished goes on before the zone is swept anew, which the next time does. */
  async sweepAll(): Promise<void> {
    await inTurn(await sweptZones(this.parts.database), async (zone) => {
      const left = await unfinishedSweep(this.parts.database, zone);
      await this.run(zone, left?.id ?? (await this.begin(zone)));
    });
  }

  private async begin(zone: string): Promise<string> {
    const id = newId('job');
    const at = new Date(this.parts.clock.now());
    await this.parts.database.withZone(zone, (tx) => insertSweep(tx, id, at));
    return id;
  }

  private async handle({ zone, body }: Message): Promise<void> {
    if (typeof body['sweep'] !== 'string') throw new RefusedMessageError('sweep_shape');
    await this.run(zone, body['sweep']);
  }

  /** Runs a sweep from where it stands to its end. Safe to repeat. */
  private async run(zone: string, id: string): Promise<void> {
    const { database, keys } = this.parts;
    const sweep = await readSweep(database, zone, id);
    if (sweep?.status !== 'running') return;
    const findings = await checkLedger({
      zone,
      keys,
      reading: this.reading,
      from: sweep.position,
      save: (position) => saveProgress(database, zone, id, position),
      batch: this.parts.batch,
    });
    const known = new Set(
      (await findingsBefore(database, zone, id)).map((finding) => JSON.stringify(findingBody(finding))),
    );
    const fresh = findings.filter((finding) => !known.has(JSON.stringify(findingBody(finding))));
    if (!(await this.finish(zone, id, { findings, fresh }))) return;
    for (const finding of fresh) this.parts.alarm(zone, finding);
  }

  /** A ledger that takes no entry any more must not keep its findings from being known. False when another replica was first. */
  private async finish(
    zone: string,
    id: string,
    { findings, fresh }: { readonly findings: readonly Finding[]; readonly fresh: readonly Finding[] },
  ): Promise<boolean> {
    const at = this.parts.clock.now();
    const end = { findings, at: new Date(at) };
    const record = (tx: ChangeTx, finding: Finding): void => {
      const detail = { ...findingBody(finding), sweep: id };
      tx.record({ type: 'ledger.finding', occurredAt: at, actor: { kind: 'system' }, detail });
    };
    try {
      return await this.parts.changes.run(zone, async (tx) => {
        const ended = await finishSweep(tx, id, end);
        if (ended) for (const finding of fresh) record(tx, finding);
        return ended;
      });
    } catch (error) {
      if (fresh.length === 0) throw error;
      return this.parts.database.withZone(zone, (tx) => finishSweep(tx, id, end));
    }
  }
}
