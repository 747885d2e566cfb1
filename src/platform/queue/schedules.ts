import { createHash } from 'node:crypto';
import type { Clock } from '../../kernel/clock.js';
import { lp } from '../../kernel/length-prefixed.js';
import type { Database } from '../database/index.js';
import type { JobQueue } from './backend/job-backend.js';
import { uuidOf } from './domain/dead-letter.js';
import { sealEnvelope } from './domain/envelope.js';
import type { EnvelopeKeys } from './domain/envelope-keys.js';
import type { MessageHandler } from './domain/message.js';
import { consumeOnce } from './inbox.js';

/** Milliseconds, or a cron pattern in UTC. */
export type Every = number | string;

const QUEUE = 'maintenance';
const PREFIX = 'tick.';
/** A schedule's envelope is signed once and copied by BullMQ for each tick; that a tick runs once is the slot's doing, not `exp`'s. */
const TICK_LIFETIME_MS = 3_650 * 86_400_000;
const CRON_SLOT_MS = 30_000;

interface Schedule {
  readonly every: Every;
  readonly run: () => Promise<void>;
}

/** Work that is done again and again, by one replica at a time. */
export class Schedules {
  private readonly schedules = new Map<string, Schedule>();

  constructor(
    private readonly parts: { readonly keys: EnvelopeKeys; readonly database: Database; readonly clock: Clock },
  ) {}

  get size(): number {
    return this.schedules.size;
  }

  add(name: string, schedule: Schedule): void {
    if (!/^[a-z][a-z0-9-]{0,62}$/.test(name))
      throw new Error(`schedule ${name}: a name is lower-case words joined by hyphens`);
    if (this.schedules.has(name)) throw new Error(`schedule ${name} is registered twice`);
    this.schedules.set(name, schedule);
  }

  /** The handler of a tick's message, or undefined when the message is no tick. Ticks nobody knows any more end without effect. */
  handlerOf(messageName: string): MessageHandler | undefined {
    if (!messageName.startsWith(PREFIX)) return undefined;
    const name = messageName.slice(PREFIX.length);
    const schedule = this.schedules.get(name);
    return schedule ? () => this.tick(name, schedule) : async () => undefined;
  }

  /** Registers every schedule in the queue and removes those of earlier versions. Safe to repeat: a tick that is due stays due. */
  async register(queue: JobQueue): Promise<void> {
    await queue.keepSchedules(new Set(this.schedules.keys()));
    for (const [name, { every }] of this.schedules) {
      await queue.schedule({ id: name, every, name: `${PREFIX}${name}`, envelope: this.envelope(name) });
    }
  }

  private envelope(name: string): object {
    const now = this.parts.clock.now();
    const id = uuidOf(sha256(lp('caracal-schedule', name)));
    const times = { issuedAt: now, expiresAt: now + TICK_LIFETIME_MS };
    return sealEnvelope(this.parts.keys, {
      queue: QUEUE,
      name: `${PREFIX}${name}`,
      id,
      zone: '_system',
      body: {},
      ...times,
    });
  }

  /** However often a tick is delivered, copied or replayed, the work is started once per slot; a slot whose work failed stays open. */
  private async tick(name: string, { every, run }: Schedule): Promise<void> {
    const width = typeof every === 'number' ? Math.max(1, Math.floor(every / 2)) : CRON_SLOT_MS;
    const slot = uuidOf(sha256(lp('caracal-tick', name, Math.floor(this.parts.clock.now() / width))));
    const { database } = this.parts;
    const seen = await database.withSystem('inbox', (tx) =>
      tx.query('SELECT 1 FROM caracal.inbox WHERE queue = $1 AND id = $2', [QUEUE, slot]),
    );
    if (seen.length > 0) return;
    await run();
    await database.withSystem('inbox', (tx) => consumeOnce(tx, QUEUE, slot));
  }
}

function sha256(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest();
}
