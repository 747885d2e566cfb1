import type { JsonObject } from '../../kernel/json.js';
import { formatTime } from '../../kernel/times.js';

/** A grant as it is stored. */
export interface GrantRow {
  readonly id: string;
  readonly application: string;
  readonly resource: string;
  readonly scopes: readonly string[];
  readonly label: string | null;
  readonly expiresAt: Date | null;
  readonly status: 'active' | 'archived';
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly archivedAt: Date | null;
  readonly version: number;
}

/** A grant as administrators see it. */
export function grantBody(row: GrantRow): JsonObject {
  return {
    id: row.id,
    application: row.application,
    resource: row.resource,
    scopes: row.scopes,
    status: row.status,
    ...(row.label === null ? {} : { label: row.label }),
    ...(row.expiresAt === null ? {} : { expires_at: formatTime(row.expiresAt.getTime()) }),
    created_at: formatTime(row.createdAt.getTime()),
    updated_at: formatTime(row.updatedAt.getTime()),
    ...(row.archivedAt === null ? {} : { archived_at: formatTime(row.archivedAt.getTime()) }),
  };
}
