import type { JsonObject } from '../../kernel/json.js';
import { formatTime } from '../../kernel/times.js';
import type { ConnectionEntity } from '../persistence/connection.entity.js';

/** A connection as administrators see it; of its tokens only that there are some. What waited past its time shows as broken. */
export function connectionBody(row: ConnectionEntity, now: number): JsonObject {
  const lapsed = row.status === 'pending' && row.pendingUntil !== null && row.pendingUntil.getTime() < now;
  const reason = lapsed ? 'expired' : row.reason;
  return {
    id: row.id,
    provider: row.provider,
    ...(row.subject === null ? {} : { subject: row.subject }),
    shared: row.subject === null,
    status: lapsed ? 'broken' : row.status,
    ...(reason === null ? {} : { reason }),
    ...(row.scope === null ? {} : { scope: row.scope }),
    renewable: row.refreshSealed !== null,
    created_at: formatTime(row.createdAt.getTime()),
    ...time('connected_at', row.connectedAt),
    ...(row.status === 'pending' && !lapsed ? time('expires_at', row.pendingUntil) : {}),
    ...time('ended_at', row.endedAt),
    updated_at: formatTime(row.updatedAt.getTime()),
  };
}

function time(name: string, at: Date | null): JsonObject {
  return at === null ? {} : { [name]: formatTime(at.getTime()) };
}
