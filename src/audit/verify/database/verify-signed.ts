import type pg from 'pg';
import { CompactTree } from '../../domain/log/compact-tree.js';
import type { Checkpoint } from '../../domain/log/checkpoint.js';
import { HASH_BYTES } from '../../domain/log/merkle.js';
import { NoteError } from '../../domain/log/signed-note.js';
import { SignedTree } from '../../domain/log/signed-tree.js';
import type { Fault } from '../../domain/verify-chain.js';
import type { KeptCheckpoints } from './kept-checkpoints.js';

const STEP = 65_536;

/**
 * Verifies a zone's ledger against all that was signed about it: the checkpoints in the database, those the data directory remembers, and
 * the anchors. A ledger that was set back, forked, or signed with another key is found here although its chain is whole.
 */
export async function verifySigned(client: pg.Client, zone: string, kept: KeptCheckpoints): Promise<Fault | undefined> {
  const names = await namesOf(client, zone);
  if (!names) return { index: undefined, reason: 'the zone is gone' };
  try {
    const all = [...(await storedOf(client, zone, kept)), ...(await kept.of(zone))];
    const stranger = all.find(({ origin }) => origin !== names.current && !names.ended.includes(origin));
    if (stranger) return { index: undefined, reason: `a checkpoint of ${stranger.origin}, which never ended, is kept` };
    return await compareAll(
      client,
      zone,
      all.filter(({ origin }) => origin === names.current),
    );
  } catch (error) {
    if (error instanceof NoteError) return { index: undefined, reason: `a kept checkpoint: ${error.message}` };
    throw error;
  }
}

async function compareAll(client: pg.Client, zone: string, signed: readonly Checkpoint[]): Promise<Fault | undefined> {
  const tree = new SignedTree(
    new CompactTree(),
    signed.toSorted((a, b) => a.size - b.size),
  );
  let size = 0;
  for await (const leaf of leavesOf(client, zone)) {
    const mismatch = tree.append(leaf);
    if (mismatch) return mismatch;
    size += 1;
  }
  const lost = tree.unpassed && signed.reduce((most, one) => Math.max(most, one.size), 0);
  return lost === undefined
    ? undefined
    : { index: size, reason: `the ledger holds ${size} entries; ${lost} were signed` };
}

/** The notes in the database, each as signed with the key of the data directory, and of the size and root its row says. */
async function storedOf(client: pg.Client, zone: string, kept: KeptCheckpoints): Promise<Checkpoint[]> {
  const { rows } = await client.query<{ note: string; origin: string; size: string; root: Buffer }>(
    'SELECT note, origin, size, root FROM caracal.log_checkpoints WHERE zone = $1 ORDER BY size',
    [zone],
  );
  return rows.map((row) => {
    const checkpoint = kept.open(row.note);
    const same = checkpoint.origin === row.origin && checkpoint.size === Number(row.size);
    if (!same || !checkpoint.root.equals(row.root)) throw new NoteError('its row says something else');
    return checkpoint;
  });
}

async function namesOf(
  client: pg.Client,
  zone: string,
): Promise<{ current: string; ended: readonly string[] } | undefined> {
  const { rows } = await client.query<{ log_origin: string; log_history: { origin: string }[] }>(
    'SELECT log_origin, log_history FROM caracal.zones WHERE slug = $1',
    [zone],
  );
  const [row] = rows;
  return row && { current: row.log_origin, ended: row.log_history.map(({ origin }) => origin) };
}

async function* leavesOf(client: pg.Client, zone: string): AsyncGenerator<Buffer> {
  for (let from = 0; ; from += STEP) {
    const { rows } = await client.query<{ leaves: Buffer | null }>(
      `SELECT string_agg(leaf, ''::bytea ORDER BY index) AS leaves FROM caracal.ledger WHERE zone = $1 AND index >= $2 AND index < $3`,
      [zone, from, from + STEP],
    );
    const leaves = rows[0]?.leaves ?? Buffer.alloc(0);
    for (let at = 0; at < leaves.length; at += HASH_BYTES) yield leaves.subarray(at, at + HASH_BYTES);
    if (leaves.length < STEP * HASH_BYTES) return;
  }
}
