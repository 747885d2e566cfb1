import type { Clock } from '../../kernel/clock.js';
import { type ChangeFeed, ReadThrough } from '../../platform/changes/index.js';
import type { Database } from '../../platform/database/index.js';
import type { Approval, ApprovalStatus } from '../domain/approvals/approval.js';
import { statusAt } from '../domain/approvals/transitions.js';
import { findApprovals } from '../persistence/approvals/approval-rows.js';

const MOST_APPROVALS = 16_384;
/** Beyond this many waiting requests the next is answered at once: it may ask again. */
const MOST_WAITING = 4_096;

type Listener = (zone: string, id: string) => void;

/** What to wait for: another status than this, for so long, and only while the caller is there. */
export interface Wait {
  readonly status: ApprovalStatus;
  readonly ms: number;
  readonly gone: AbortSignal;
}

interface Parts {
  readonly database: Database;
  readonly feed: ChangeFeed;
  readonly clock: Clock;
}

/** Approvals in memory, as far as somebody asked for them, and the news about them from every replica. */
export class ApprovalView {
  private readonly approvals: ReadThrough<Approval>;
  private readonly listeners = new Set<Listener>();
  private readonly endings = new Set<() => void>();
  private waiting = 0;
  private closed = false;

  constructor(private readonly parts: Parts) {
    const { database, feed } = parts;
    this.approvals = new ReadThrough(MOST_APPROVALS, (zone, ids) =>
      database.readZone(zone, (tx) => findApprovals(tx, ids)),
    );
    feed.subscribe(['approval'], (zone, changes) => {
      for (const { id } of changes) this.approvals.drop(zone, id);
      for (const { id } of changes) for (const listener of this.listeners) listener(zone, id);
    });
    feed.onReset((zone) => this.approvals.dropZone(zone));
  }

  /** The approval; undefined when there is none. Warm answers read no database. */
  get(zone: string, id: string): Promise<Approval | undefined> {
    return this.approvals.get(zone, id);
  }

  /** `listener` hears of each approval of a followed zone that changed; the returned function ends that. `ended` is called at shutdown. */
  watch(listener: Listener, ended: () => void = () => undefined): () => void {
    this.listeners.add(listener);
    this.endings.add(ended);
    if (this.closed) ended();
    return () => {
      this.listeners.delete(listener);
      this.endings.delete(ended);
    };
  }

  /** The approval as soon as its status is another one, or as it is after so many milliseconds, or when the caller goes. */
  async waitWhile(zone: string, id: string, { status, ms, gone }: Wait): Promise<Approval | undefined> {
    const deadline = this.parts.clock.now() + ms;
    if (this.waiting >= MOST_WAITING) return this.get(zone, id);
    this.waiting += 1;
    const news = new News();
    const unwatch = this.watch(
      (where, which) => void (where === zone && which === id && news.arrive()),
      () => news.end(),
    );
    gone.addEventListener('abort', () => news.end(), { once: true });
    try {
      for (;;) {
        const approval = await this.get(zone, id);
        const now = this.parts.clock.now();
        if (!approval || statusAt(approval, now) !== status || now >= deadline || news.ended) return approval;
        await news.next(Math.min(deadline, approval.expiresAt) - now);
      }
    } finally {
      unwatch();
      this.waiting -= 1;
    }
  }

  /** Ends every wait: the server is shutting down. */
  close(): void {
    this.closed = true;
    for (const ended of this.endings) ended();
  }
}

/** Something that may arrive, before or while somebody waits for it. */
class News {
  ended = false;
  private arrived = false;
  private wake: () => void = () => undefined;

  arrive(): void {
    this.arrived = true;
    this.wake();
  }

  end(): void {
    this.ended = true;
    this.wake();
  }

  async next(ms: number): Promise<void> {
    if (!this.arrived && !this.ended) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, Math.max(0, ms) + 1);
        this.wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    this.arrived = false;
  }
}
