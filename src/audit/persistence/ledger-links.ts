import type { StoredLink } from '../domain/verify-chain.js';

/** Anything that runs a statement: a verifier's own connection, or the server's. */
export type AskLinks = <T extends object>(sql: string, params: unknown[]) => Promise<T[]>;

interface Row {
  readonly index: string;
  readonly event_id: string;
  readonly ingested_at: Date;
  readonly whole: boolean;
  readonly kid: string;
  readonly leaf: Buffer;
  readonly chain_mac: Buffer;
  readonly entry: string;
}

/** Rows after an index, about `limit` of them: duplicated indices share `index`, so the page ends at a whole index. */
export async function readLinks(ask: AskLinks, zone: string, after: number, limit: number): Promise<StoredLink[]> {
  const rows = await ask<Row>(
    `SELECT index, event_id, ingested_at, date_trunc('milliseconds', ingested_at) = ingested_at AS whole, kid, leaf, chain_mac, entry FROM caracal.ledger
     WHERE zone = $1 AND index > $2 ORDER BY index FETCH FIRST $3 ROWS WITH TIES`,
    [zone, after, limit],
  );
  return rows.map((row) => ({
    index: Number(row.index),
    eventId: row.event_id,
    // Entries are written with whole milliseconds; a finer time was put there by somebody else and is before every time.
    ingestedAt: row.whole ? row.ingested_at.getTime() : Number.NEGATIVE_INFINITY,
    kid: row.kid,
    leaf: row.leaf,
    chainMac: row.chain_mac,
    entry: row.entry,
  }));
}
