import { LRUCache } from 'lru-cache';
import type { Change, ChangeFeed, ChangeKind } from '../../platform/changes/index.js';
import type { Database } from '../../platform/database/index.js';
import type { PublicUrls } from '../../platform/urls/index.js';
import { isSlug } from '../domain/slug.js';
import { SYSTEM_ZONE } from '../domain/zone.js';
import { readCatalogue, readChangedRows, type ChangedIds } from '../persistence/catalogue-rows.js';
import type { ZoneView } from './views.js';
import { ZoneIndex } from './zone-index.js';

const KINDS: readonly ChangeKind[] = [
  'zone',
  'application',
  'credential',
  'provider',
  'resource',
  'grant',
  'subject_issuer',
];
/** How long another replica's zone may stay unseen here after somebody asked for it too early. */
const ABSENCE_MS = 1_000;
const MOST_ABSENCES = 1_000;

export interface CatalogueParts {
  readonly database: Database;
  readonly feed: ChangeFeed;
  readonly urls: PublicUrls;
}

interface Loading {
  readonly done: Promise<ZoneIndex | undefined>;
  /** Changes that were applied while the rows were being read. */
  readonly pending: Change[];
  restart: boolean;
}

/**
 * Every zone's catalogue in memory: read on first use, from then on kept by the change feed, which re-reads only what changed and does so
 * before the committing call is answered. Once a zone is loaded, nothing here reads the database to answer a question.
 */
export class Catalogue {
  private readonly zones = new Map<string, ZoneIndex>();
  private readonly loading = new Map<string, Loading>();
  private readonly absent = new LRUCache<string, true>({ max: MOST_ABSENCES, ttl: ABSENCE_MS });
  private readonly listeners: ((zone: string) => void)[] = [];

  constructor(private readonly parts: CatalogueParts) {
    parts.feed.subscribe(KINDS, (zone, changes) => this.apply(zone, changes));
    parts.feed.onReset((zone) => this.drop(zone));
  }

  /**
   * The zone as it is, whatever its status; undefined when there is none. Throws `temporarily_unavailable` when the view cannot be proven
   * fresh: nobody may decide on it then.
   */
  async zone(slug: string): Promise<ZoneView | undefined> {
    this.parts.feed.assertFresh();
    const known = this.zones.get(slug);
    if (known) return known;
    if ((!isSlug(slug) && slug !== SYSTEM_ZONE) || this.absent.has(slug)) return undefined;
    const loaded = await this.load(slug);
    this.parts.feed.assertFresh();
    return loaded;
  }

  /** The zone if it is loaded, without a word on freshness: only for what decides nothing, or was proven fresh by the same caller just now. */
  peek(slug: string): ZoneView | undefined {
    return this.zones.get(slug);
  }

  /** `listener` hears of every change of a loaded zone's catalogue, after it took effect: for whoever holds work that it may have ended. */
  onChanged(listener: (zone: string) => void): void {
    this.listeners.push(listener);
  }

  /** Forgets that a zone was asked for in vain. Called by whoever makes one. */
  forgetAbsence(slug: string): void {
    this.absent.delete(slug);
  }

  private load(slug: string): Promise<ZoneIndex | undefined> {
    const running = this.loading.get(slug);
    if (running) return running.done;
    const loading = { pending: [], restart: false } as unknown as Loading & { done: Promise<ZoneIndex | undefined> };
    this.loading.set(slug, loading);
    loading.done = this.fill(slug, loading).finally(() => this.loading.delete(slug));
    return loading.done;
  }

  private async fill(slug: string, loading: Loading): Promise<ZoneIndex | undefined> {
    loading.restart = false;
    await this.parts.feed.load(slug);
    const rows = await readCatalogue(this.parts.database, slug);
    if (!rows?.zone) {
      this.absent.set(slug, true);
      return undefined;
    }
    const { urls } = this.parts;
    const addresses = {
      gateway: (resource: string) => urls.gateway(slug, resource),
      control: () => urls.controlInvoke(),
    };
    const index = new ZoneIndex(slug, { ...rows, zone: rows.zone }, addresses);
    while (loading.pending.length > 0) await this.reload(index, loading.pending.splice(0));
    if (loading.restart) return this.fill(slug, loading);
    this.zones.set(slug, index);
    return index;
  }

  private async apply(zone: string, changes: readonly Change[]): Promise<void> {
    this.loading.get(zone)?.pending.push(...changes);
    const index = this.zones.get(zone);
    if (index) await this.reload(index, changes);
    for (const listener of this.listeners) listener(zone);
  }

  private async reload(index: ZoneIndex, changes: readonly Change[]): Promise<void> {
    const changed = idsOf(changes);
    index.update(changed, await readChangedRows(this.parts.database, index.slug, changed));
  }

  private drop(zone: string): void {
    this.zones.delete(zone);
    const loading = this.loading.get(zone);
    if (loading) loading.restart = true;
    for (const listener of this.listeners) listener(zone);
  }
}

function idsOf(changes: readonly Change[]): ChangedIds {
  const of = (kind: ChangeKind): string[] => [
    ...new Set(changes.filter((change) => change.kind === kind).map((change) => change.id)),
  ];
  return {
    zone: changes.some((change) => change.kind === 'zone'),
    application: of('application'),
    credential: of('credential'),
    provider: of('provider'),
    resource: of('resource'),
    grant: of('grant'),
    subjectIssuer: of('subject_issuer'),
  };
}
