import type { JsonObject } from '../../../kernel/json.js';
import { formatTime } from '../../../kernel/times.js';

/** A provider as it is stored. */
export interface ProviderRow {
  readonly id: string;
  readonly name: string;
  readonly kind: string;
  readonly config: JsonObject;
  readonly secretSealed: Buffer | null;
  readonly secretVersion: number;
  /** The one place the secret is sent to: the upstream's origin of the first resource that named the provider. */
  readonly boundOrigin: string | null;
  readonly status: 'active' | 'archived';
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly archivedAt: Date | null;
  readonly version: number;
}

/** A provider as administrators see it: that it has a secret and which version, never the secret. */
export function providerBody(row: ProviderRow): JsonObject {
  return {
    id: row.id,
    name: row.name,
    kind: row.kind,
    status: row.status,
    config: row.config,
    ...(row.secretSealed === null ? {} : { secret_version: row.secretVersion }),
    ...(row.boundOrigin === null ? {} : { bound_origin: row.boundOrigin }),
    created_at: formatTime(row.createdAt.getTime()),
    updated_at: formatTime(row.updatedAt.getTime()),
    ...(row.archivedAt === null ? {} : { archived_at: formatTime(row.archivedAt.getTime()) }),
  };
}
