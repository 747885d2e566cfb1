import { createHash } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { openCheckpoint, type Checkpoint } from '../../src/audit/domain/log/checkpoint.js';
import { parseVerifierKeys } from '../../src/audit/domain/log/log-keys.js';
import { asSuperuser } from './database.js';

/** The leaf hash of an entry's bytes, spelled out (RFC 6962 §2.1). */
export function leafOf(entry: string): Buffer {
  return createHash('sha256')
    .update(Buffer.from([0]))
    .update(entry, 'utf8')
    .digest();
}

/** The Merkle tree hash of RFC 6962 §2.1, read aloud. */
export function treeHash(leaves: readonly Buffer[]): Buffer {
  if (leaves.length === 0) return createHash('sha256').digest();
  if (leaves.length === 1) return leaves[0] as Buffer;
  const k = 2 ** (Math.ceil(Math.log2(leaves.length)) - 1);
  return createHash('sha256')
    .update(Buffer.from([1]))
    .update(treeHash(leaves.slice(0, k)))
    .update(treeHash(leaves.slice(k)))
    .digest();
}

export function opened(note: string, vkey: string): Checkpoint {
  return openCheckpoint(note, parseVerifierKeys([vkey]));
}

/** Asks until the answer is as wished, a bounded number of times; the last answer when it never is. */
export async function eventually<T>(ask: () => Promise<T>, wished: (answer: T) => boolean): Promise<T> {
  for (let tries = 0; ; tries += 1) {
    const answer = await ask();
    if (wished(answer) || tries === 100) return answer;
    await pause(100);
  }
}

/** Changes the database as somebody with every right over it: triggers off, as superuser. */
export async function tamperWith(dsn: string, statements: readonly (readonly [string, unknown[]])[]): Promise<void> {
  await asSuperuser(dsn, async (client) => {
    await client.query('BEGIN');
    const { rows } = await client.query<{ name: string }>(
      `SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = 'caracal.ledger'::regclass`,
    );
    const tables = [...rows.map((row) => row.name), 'caracal.ledger', 'caracal.log_checkpoints'];
    for (const table of tables) await client.query(`ALTER TABLE ${table} DISABLE TRIGGER USER`);
    for (const [sql, params] of statements) await client.query(sql, params);
    for (const table of tables) await client.query(`ALTER TABLE ${table} ENABLE TRIGGER USER`);
    await client.query('COMMIT');
  });
}

/** Sets a zone of less than 256 entries back to what a backup held at a size that was signed. */
export async function setBack(dsn: string, zone: string, size: number): Promise<void> {
  await tamperWith(dsn, [
    ['DELETE FROM caracal.ledger WHERE zone = $1 AND index >= $2', [zone, size]],
    ['DELETE FROM caracal.ledger_personal WHERE zone = $1 AND index >= $2', [zone, size]],
    [
      `UPDATE caracal.ledger_head h SET next_index = l.index + 1, chain_mac = l.chain_mac, ingested_at = l.ingested_at
       FROM caracal.ledger l WHERE h.zone = $1 AND l.zone = $1 AND l.index = $2`,
      [zone, size - 1],
    ],
    ['DELETE FROM caracal.log_checkpoints WHERE zone = $1 AND size > $2', [zone, size]],
    [`UPDATE caracal.log_tiles SET hashes = substr(hashes, 1, $2) WHERE zone = $1`, [zone, size * 32]],
    [
      `UPDATE caracal.log_trees t SET size = c.size, signed_size = c.size, root = c.root, note = c.note
       FROM caracal.log_checkpoints c WHERE t.zone = $1 AND c.zone = $1 AND c.size = $2`,
      [zone, size],
    ],
  ]);
}
