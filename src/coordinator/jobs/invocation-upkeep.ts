import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { CLOCK, type Clock } from '../../kernel/clock.js';
import { AuditedChanges, type ChangeTx } from '../../audit/index.js';
import { Database } from '../../platform/database/index.js';
import { inTurn } from '../../platform/lifecycle/index.js';
import { Queues } from '../../platform/queue/index.js';
import { SYSTEM } from '../domain/initiator.js';
import { overtaken } from '../domain/invocations/overtaken.js';
import { overtakenInvocations, zonesWithOvertaken } from '../persistence/invocations/invocation-lists.js';
import { lockInvocation } from '../persistence/invocations/invocation-rows.js';
import { readSessions } from '../persistence/session-rows.js';
import { recordMove } from '../invocations/record-move.js';

const EVERY_MS = 5_000;
const BATCH = 100;

/**
 * Follows up on work that time or the end of a party has overtaken: late work times out, work without a source is cancelled, work without a
 * target fails, and an attempt that was lost with its target's lease is tried again while attempts remain. Safe to repeat and to run twice at once.
 */
@Injectable()
export class InvocationUpkeep implements OnModuleInit {
  constructor(
    private readonly queues: Queues,
    private readonly database: Database,
    private readonly changes: AuditedChanges,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  onModuleInit(): void {
    this.queues.schedule('invocation-upkeep', EVERY_MS, () => this.run());
  }

  async run(): Promise<void> {
    const zones = await this.database.withSystem('expiry', (tx) => zonesWithOvertaken(tx, this.clock.now()));
    await inTurn(zones, (zone) => this.inZone(zone));
  }

  private async inZone(zone: string): Promise<void> {
    for (let after = ''; ;) {
      const page = { limit: BATCH, after };
      const ids = await this.database.readZone(zone, (tx) => overtakenInvocations(tx, this.clock.now(), page));
      for (const id of ids) await this.changes.run(zone, (tx) => this.follow(tx, id));
      const last = ids.at(-1);
      if (last === undefined || ids.length < BATCH) return;
      after = last;
    }
  }

  private async follow(tx: ChangeTx, id: string): Promise<void> {
    const found = await lockInvocation(tx, id);
    if (!found) return;
    const sessions = await readSessions(tx, [found.source, found.target]);
    const now = this.clock.now();
    const parties = { source: sessions.get(found.source), target: sessions.get(found.target) };
    let standing = found;
    for (const move of overtaken(standing, parties, now))
      standing = await recordMove(tx, standing, { move, by: SYSTEM, now });
  }
}
