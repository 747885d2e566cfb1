import type { ZoneTx } from '../../../platform/database/index.js';
import { McpSessionEntity } from './mcp-session.entity.js';

export const GATEWAY_ENTITIES = [McpSessionEntity] as const;

export interface SessionName {
  readonly resource: string;
  /** Digest of the server's id of it. */
  readonly session: Buffer;
}

/** A session and the work it belongs to, until when. */
export interface SessionOwner {
  readonly lineage: Buffer;
  readonly expiresAt: Date;
}

/** The owner of a session that has not expired. */
export async function readSessionOwner(
  tx: ZoneTx,
  { resource, session }: SessionName,
): Promise<SessionOwner | undefined> {
  const [row] = await tx.query<{ lineage: Buffer; expires_at: Date }>(
    'SELECT lineage, expires_at FROM caracal.mcp_sessions WHERE zone = $1 AND resource = $2 AND session = $3 AND expires_at > now()',
    [tx.zone, resource, session],
  );
  return row && { lineage: row.lineage, expiresAt: row.expires_at };
}

/** Makes or renews the ownership; false when the session is another's. Of one owner's sessions only the newest `most` are kept. */
export async function takeSession(
  tx: ZoneTx,
  { resource, session }: SessionName,
  { lineage, expiresAt }: SessionOwner,
  most: number,
): Promise<boolean> {
  const taken = await tx.query(
    `INSERT INTO caracal.mcp_sessions AS m (zone, resource, session, lineage, expires_at) VALUES ($1, $2, $3, $4, $5)
     ON CONFLICT (zone, resource, session) DO UPDATE SET lineage = EXCLUDED.lineage, expires_at = EXCLUDED.expires_at
     WHERE m.lineage = EXCLUDED.lineage OR m.expires_at <= now() RETURNING 1`,
    [tx.zone, resource, session, lineage, expiresAt],
  );
  if (taken.length === 0) return false;
  await tx.query(
    `DELETE FROM caracal.mcp_sessions WHERE zone = $1 AND resource = $2 AND lineage = $3 AND session IN (
       SELECT session FROM caracal.mcp_sessions WHERE zone = $1 AND resource = $2 AND lineage = $3 ORDER BY expires_at DESC OFFSET $4)`,
    [tx.zone, resource, lineage, most],
  );
  return true;
}
