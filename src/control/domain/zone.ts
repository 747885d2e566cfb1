import type { JsonObject } from '../../kernel/json.js';
import { formatTime } from '../../kernel/times.js';
import { zoneSettings, type StoredZoneSettings } from './zone-settings.js';

/** The zone of what belongs to no other. It can be read, never changed. */
export const SYSTEM_ZONE = '_system';

/** A zone as it is stored. */
export interface ZoneRow {
  readonly id: string;
  readonly slug: string;
  readonly name: string;
  readonly status: 'active' | 'killed' | 'archived';
  readonly epoch: number;
  readonly settings: StoredZoneSettings;
  readonly logOrigin: string;
  readonly logVkey: string;
  /** Logs that an acknowledged rollback has ended, oldest first; members as on the wire. */
  readonly logHistory: readonly JsonObject[];
  /** Keys that its log was signed with before, oldest first; members as on the wire. */
  readonly logRetiredKeys: readonly JsonObject[];
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly archivedAt: Date | null;
  readonly version: number;
}

/** A zone as administrators see it, with every setting that holds. */
export function zoneBody(row: ZoneRow, issuer: string): JsonObject {
  return {
    id: row.id,
    slug: row.slug,
    name: row.name,
    status: row.status,
    issuer,
    log_origin: row.logOrigin,
    log_vkey: row.logVkey,
    log_history: row.logHistory,
    log_retired_keys: row.logRetiredKeys,
    ...(zoneSettings(row.settings) as unknown as JsonObject),
    created_at: formatTime(row.createdAt.getTime()),
    updated_at: formatTime(row.updatedAt.getTime()),
    ...(row.archivedAt === null ? {} : { archived_at: formatTime(row.archivedAt.getTime()) }),
  };
}
