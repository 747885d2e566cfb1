import { AppError } from '../../kernel/app-error.js';
import type { Clock } from '../../kernel/clock.js';
import type { Database } from '../database/index.js';
import type { Change, ChangeKind } from './change.js';
import { readChanges, readHeads } from './change-log.js';

type Apply = (zone: string, changes: readonly Change[]) => Promise<void> | void;

interface Followed {
  applied: bigint;
  /** Everything that moves `applied` runs one after the other on this chain. */
  tail: Promise<void>;
}

export interface ChangeFeedParts {
  readonly database: Database;
  readonly clock: Clock;
  readonly maxStalenessMs: number;
  readonly onFault: (error: unknown) => void;
}

/**
 * Follows the change log of every loaded zone and applies it, in order, to the views that subscribed.
 * Freshness is proven by the start of the last poll after which nothing was left to apply; without a proof younger
 * than the bound, nobody may decide (`assertFresh`).
 */
export class ChangeFeed {
  private readonly zones = new Map<string, Followed>();
  private readonly loading = new Map<string, Promise<void>>();
  private readonly subscribers: { kinds: ReadonlySet<ChangeKind>; apply: Apply }[] = [];
  private readonly resets: ((zone: string) => void)[] = [];
  private provenAt = Number.NEGATIVE_INFINITY;
  private polling: Promise<void> | undefined;
  private pollAgain = false;

  constructor(private readonly parts: ChangeFeedParts) {}

  /** From now on `apply` sees each change of these kinds, in order, before the committing call is answered. */
  subscribe(kinds: readonly ChangeKind[], apply: Apply): void {
    this.subscribers.push({ kinds: new Set(kinds), apply });
  }

  /** `drop` is called when a zone's changes cannot be followed: everything held for it must be dropped and read anew. */
  onReset(drop: (zone: string) => void): void {
    this.resets.push(drop);
  }

  /** Starts following a zone. Read the snapshot after this resolves: what changes meanwhile is applied again. */
  load(zone: string): Promise<void> {
    if (this.zones.has(zone)) return Promise.resolve();
    const running = this.loading.get(zone);
    if (running) return running;
    const loading = this.follow(zone).finally(() => this.loading.delete(zone));
    this.loading.set(zone, loading);
    return loading;
  }

  /** The number of the last change applied here; 0 while the zone is not followed. */
  seq(zone: string): bigint {
    return this.zones.get(zone)?.applied ?? 0n;
  }

  /** Age of the last proof of freshness in milliseconds. */
  staleness(): number {
    return this.parts.clock.monotonic() - this.provenAt;
  }

  /** Whether the views are proven younger than the bound. */
  get isFresh(): boolean {
    return this.staleness() <= this.parts.maxStalenessMs;
  }

  /** Throws `temporarily_unavailable` (log detail `view_stale`) unless the views are proven younger than the bound. */
  assertFresh(): void {
    if (this.isFresh) return;
    throw new AppError('temporarily_unavailable', 'The view of the authority data is too old to decide on.', {
      detail: 'view_stale',
      retryAfter: 1,
    });
  }

  /** Resolves when `changes`, just committed by this process, and everything before them are applied here. */
  async catchUp(zone: string, changes: readonly Change[]): Promise<void> {
    const followed = this.zones.get(zone);
    const last = changes.at(-1);
    if (!followed || !last) return;
    try {
      await this.enqueue(followed, async () => {
        if (followed.applied >= last.seq) return;
        if (changes[0]?.seq === followed.applied + 1n) await this.apply(zone, followed, changes);
        else await this.readOn(zone, followed);
      });
    } catch (error) {
      // What was just committed is not in this view: nobody may decide on it until a poll has caught up.
      this.provenAt = Number.NEGATIVE_INFINITY;
      throw error;
    }
  }

  /** Asks for the heads once and applies what is new. Concurrent calls share one poll, and one more follows it. */
  poll(): Promise<void> {
    if (this.polling) {
      this.pollAgain = true;
      return this.polling;
    }
    this.polling = this.pollUntilQuiet().finally(() => (this.polling = undefined));
    return this.polling;
  }

  private async pollUntilQuiet(): Promise<void> {
    do {
      this.pollAgain = false;
      await this.pollOnce().catch(this.parts.onFault);
    } while (this.pollAgain);
  }

  private async pollOnce(): Promise<void> {
    const startedAt = this.parts.clock.monotonic();
    const heads = await readHeads(this.parts.database, [...this.zones.keys()]);
    for (const [zone, head] of heads) {
      const followed = this.zones.get(zone);
      if (followed && head > followed.applied) {
        await this.enqueue(followed, () => (head > followed.applied ? this.readOn(zone, followed) : Promise.resolve()));
      }
    }
    this.provenAt = Math.max(this.provenAt, startedAt);
  }

  private async follow(zone: string): Promise<void> {
    const head = (await readHeads(this.parts.database, [zone])).get(zone);
    if (head !== undefined) this.zones.set(zone, { applied: head, tail: Promise.resolve() });
  }

  private async readOn(zone: string, followed: Followed): Promise<void> {
    const changes = await readChanges(this.parts.database, zone, followed.applied);
    if (changes) return this.apply(zone, followed, changes);
    const head = (await readHeads(this.parts.database, [zone])).get(zone);
    for (const drop of this.resets) drop(zone);
    followed.applied = head ?? followed.applied;
  }

  private async apply(zone: string, followed: Followed, changes: readonly Change[]): Promise<void> {
    for (const subscriber of this.subscribers) {
      const wanted = changes.filter((change) => subscriber.kinds.has(change.kind));
      if (wanted.length > 0) await subscriber.apply(zone, wanted);
    }
    followed.applied = changes.at(-1)?.seq ?? followed.applied;
  }

  /** A failing step must not poison the chain, but its caller has to see it. */
  private enqueue(followed: Followed, step: () => Promise<void>): Promise<void> {
    const run = followed.tail.then(step);
    followed.tail = run.catch(() => undefined);
    return run;
  }
}
