import type pg from 'pg';
import { CompactTree } from '../../domain/log/compact-tree.js';
import type { Checkpoint, SignedCheckpoint } from '../../domain/log/checkpoint.js';
import { ageOf, parseVerifierKeys, signedOutOfTurn } from '../../domain/log/log-keys.js';
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
    const current = all.filter(({ origin }) => origin === names.current);
    const reason =
      strangerOf(all, names) ??
      (current.length > 0 ? misuseOf(current, names, kept) : undefined) ??
      (await missingOf(client, zone));
    return reason === undefined ? await compareAll(client, zone, current) : { index: undefined, reason };
  } catch (error) {
    if (error instanceof NoteError) return { index: undefined, reason: `a kept checkpoint: ${error.message}` };
    throw error;
  }
}

function strangerOf(all: readonly Checkpoint[], names: LogNames): string | undefined {
  const stranger = all.find(({ origin }) => origin !== names.current && !names.ended.includes(origin));
  return stranger && `a checkpoint of ${stranger.origin}, which never ended, is kept`;
}

/** What is wrong with the keys of a log, although each signature is one of ours. */
function misuseOf(signed: readonly SignedCheckpoint[], names: LogNames, kept: KeptCheckpoints): string | undefined {
  const keys = parseVerifierKeys(names.vkeys);
  if (ageOf(keys[0], kept.verifiers(names.current)) < 0)
    return 'the verifier key of the log is not of a key that signs here';
  const late = signedOutOfTurn(signed, keys);
  return late && `the checkpoint of ${late.size} entries is signed with a key that was replaced before`;
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

/** The notes in the database, each as signed with a key of the data directory, and of the size and root its row says. */
async function storedOf(client: pg.Client, zone: string, kept: KeptCheckpoints): Promise<SignedCheckpoint[]> {
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

/** The last checkpoint of a log is never thinned out. */
async function missingOf(client: pg.Client, zone: string): Promise<string | undefined> {
  const { rows } = await client.query<{ size: string }>(
    `SELECT t.signed_size AS size FROM caracal.log_trees t JOIN caracal.zones z ON z.slug = t.zone AND z.log_origin = t.origin
     WHERE t.zone = $1 AND NOT EXISTS (
       SELECT FROM caracal.log_checkpoints c WHERE c.zone = t.zone AND c.origin = t.origin AND c.size = t.signed_size)`,
    [zone],
  );
  return rows[0] && `the last checkpoint, of ${rows[0].size} entries, is missing`;
}

interface LogNames {
  readonly current: string;
  readonly ended: readonly string[];
  /** The verifier keys of the current log, newest first. */
  readonly vkeys: readonly string[];
}

async function namesOf(client: pg.Client, zone: string): Promise<LogNames | undefined> {
  const { rows } = await client.query<LogNames>(
    `SELECT log_origin AS current, ARRAY(SELECT l->>'origin' FROM jsonb_array_elements(log_history) l) AS ended,
       log_vkey || ARRAY(SELECT k->>'vkey' FROM jsonb_array_elements(log_retired_keys) WITH ORDINALITY AS r(k, n)
         WHERE starts_with(k->>'vkey', log_origin || '+') ORDER BY n DESC) AS vkeys
     FROM caracal.zones WHERE slug = $1`,
    [zone],
  );
  return rows[0];
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
