import { blueprintOf } from './blueprint.js';
import type { JsonObject } from '../../kernel/json.js';
import { formatTime } from '../../kernel/times.js';
import type { SessionLimits } from './session-limits.js';

/** An application as it is stored. */
export interface ApplicationRow {
  readonly id: string;
  readonly slug: string;
  readonly name: string;
  readonly status: 'active' | 'revoked' | 'archived';
  readonly epoch: number;
  readonly allowedLabels: readonly string[];
  readonly limits: Partial<SessionLimits>;
  readonly settings: JsonObject;
  readonly expiresAt: Date | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly archivedAt: Date | null;
  readonly version: number;
}

/** An application as administrators see it; `client_id` is its id (RFC 6749 §2.2). */
export function applicationBody(row: ApplicationRow): JsonObject {
  return {
    id: row.id,
    client_id: row.id,
    slug: row.slug,
    name: row.name,
    status: row.status,
    allowed_labels: row.allowedLabels,
    limits: row.limits,
    blueprint: { ...blueprintOf(row.settings) },
    ...(row.expiresAt === null ? {} : { expires_at: formatTime(row.expiresAt.getTime()) }),
    created_at: formatTime(row.createdAt.getTime()),
    updated_at: formatTime(row.updatedAt.getTime()),
    ...(row.archivedAt === null ? {} : { archived_at: formatTime(row.archivedAt.getTime()) }),
  };
}
