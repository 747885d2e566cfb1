import type { Clock } from '../../kernel/clock.js';
import type { Change, ChangeFeed } from '../../platform/changes/index.js';
import type { Database } from '../../platform/database/index.js';
import { readLiveRevocations, readRevocationsByKey } from '../persistence/revocation-rows.js';
import { readSubjectEpochs } from '../persistence/subject-epochs.js';
import { LiveRevocations } from './live-revocations.js';

interface Parts {
  readonly database: Database;
  readonly feed: ChangeFeed;
  readonly clock: Clock;
}

interface Loading {
  readonly live: LiveRevocations;
  readonly done: Promise<LiveRevocations>;
}

/** The live revocations of every loaded zone, and the news that there are more. */
export class RevocationView {
  private readonly zones = new Map<string, LiveRevocations>();
  private readonly loading = new Map<string, Loading>();
  private readonly counts = new Map<string, number>();
  private readonly listeners: ((zone: string) => void)[] = [];

  constructor(private readonly parts: Parts) {
    parts.feed.subscribe(['revocation', 'subject'], (zone, changes) => this.apply(zone, changes));
    parts.feed.onReset((zone) => this.drop(zone));
  }

  peek(zone: string): LiveRevocations | undefined {
    return this.zones.get(zone);
  }

  load(zone: string): Promise<LiveRevocations> {
    const known = this.zones.get(zone);
    if (known) return Promise.resolve(known);
    const running = this.loading.get(zone);
    if (running) return running.done;
    const live = new LiveRevocations();
    const done = this.fill(zone, live).finally(() => {
      if (this.loading.get(zone)?.live === live) this.loading.delete(zone);
    });
    this.loading.set(zone, { live, done });
    return done;
  }

  /** Moves with everything that may end authority in the zone; it never goes back. */
  count(zone: string): number {
    return this.counts.get(zone) ?? 0;
  }

  onRevoked(listener: (zone: string) => void): void {
    this.listeners.push(listener);
  }

  /** Authority in the zone may have ended: whoever compares counts or holds open work hears of it now. */
  announce(zone: string): void {
    this.counts.set(zone, this.count(zone) + 1);
    for (const listener of this.listeners) listener(zone);
  }

  private async fill(zone: string, live: LiveRevocations): Promise<LiveRevocations> {
    const { database, feed, clock } = this.parts;
    await feed.load(zone);
    const now = clock.now();
    const [revocations, epochs] = await database.readZone(
      zone,
      async (tx) => [await readLiveRevocations(tx, now), await readSubjectEpochs(tx)] as const,
    );
    for (const revocation of revocations) live.put(revocation, now);
    live.putSubjects(epochs);
    // Dropped meanwhile: what the feed could not follow is in nobody's hands, so it is read again.
    if (this.loading.get(zone)?.live !== live) return this.load(zone);
    this.zones.set(zone, live);
    return live;
  }

  private async apply(zone: string, changes: readonly Change[]): Promise<void> {
    const live = this.zones.get(zone) ?? this.loading.get(zone)?.live;
    if (live) await this.take(zone, live, changes);
    this.announce(zone);
  }

  private async take(zone: string, live: LiveRevocations, changes: readonly Change[]): Promise<void> {
    const ids = (kind: Change['kind']): string[] =>
      changes.filter((change) => change.kind === kind).map((change) => change.id);
    const now = this.parts.clock.now();
    await this.parts.database.readZone(zone, async (tx) => {
      const keys = ids('revocation');
      const revocations =
        keys.length === 0 ? [] : ((await readRevocationsByKey(tx, keys)) ?? (await readLiveRevocations(tx, now)));
      for (const revocation of revocations) live.put(revocation, now);
      const subjects = ids('subject');
      if (subjects.length > 0) live.putSubjects(await readSubjectEpochs(tx, subjects));
    });
  }

  private drop(zone: string): void {
    this.zones.delete(zone);
    this.loading.delete(zone);
    this.announce(zone);
  }
}
