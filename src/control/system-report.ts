import type { JsonObject } from '../kernel/json.js';
import { formatTime } from '../kernel/times.js';
import type { ChangeFeed } from '../platform/changes/index.js';
import { type AppConfig, VERSION } from '../platform/config/index.js';
import type { Database } from '../platform/database/index.js';
import type { Readiness } from '../platform/health/index.js';
import type { Queues } from '../platform/queue/index.js';
import type { Replicas } from '../platform/replicas/index.js';

export interface SystemParts {
  readonly database: Database;
  readonly queues: Queues;
  readonly replicas: Replicas;
  readonly feed: ChangeFeed;
  readonly readiness: Readiness;
  readonly config: AppConfig;
}

/** What an operator asks first: versions, queues, replicas, and how fresh this replica's view is. */
export class SystemReport {
  constructor(private readonly parts: SystemParts) {}

  /** Throws `temporarily_unavailable` when the database cannot be asked; queues that do not answer are reported as null. */
  async read(): Promise<JsonObject> {
    const { queues, readiness } = this.parts;
    const [versions, replicas, counts, reasons] = await Promise.all([
      this.versions(),
      this.liveReplicas(),
      queues.counts().catch(() => null),
      readiness.reasons(),
    ]);
    return {
      versions,
      queues: { backend: queues.backendKind, counts: counts as JsonObject | null },
      replicas,
      freshness: this.freshness(),
      readiness: { status: reasons.length === 0 ? 'ready' : 'unready', reasons: [...reasons] },
      production: this.parts.config.production,
    };
  }

  private async versions(): Promise<JsonObject> {
    const [row] = await this.parts.database.querySystem<{ version: string }>(
      'health',
      `SELECT current_setting('server_version') AS version`,
    );
    return { caracal: VERSION, node: process.versions.node, postgresql: row?.version ?? '' };
  }

  private async liveReplicas(): Promise<JsonObject[]> {
    const { replicas } = this.parts;
    return (await replicas.live()).map(({ id, startedAt, seenAt, version }) => ({
      id,
      this: id === replicas.id,
      version,
      started_at: formatTime(startedAt.getTime()),
      seen_at: formatTime(seenAt.getTime()),
    }));
  }

  /** Before the first proof the age is unknown, which no number says. */
  private freshness(): JsonObject {
    const age = this.parts.feed.staleness();
    const limit = this.parts.config.view.maxStalenessMs;
    return { age_ms: Number.isFinite(age) ? Math.round(age) : null, limit_ms: limit, fresh: age <= limit };
  }
}
