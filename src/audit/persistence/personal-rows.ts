import type { Database, Tx, ZoneTx } from '../../platform/database/index.js';
import type { ExportedPersonal } from '../domain/log/export-manifest.js';
import type { PersonalPayload } from '../domain/personal-payload.js';
import { ELEMENT, binaryArray, textArray } from './binary-array.js';
import type { AskLinks } from './ledger-links.js';

/** Something personal on its way to its place beside the ledger. */
export interface PersonalItem extends PersonalPayload {
  readonly index: number;
  /** Whom it is about, so that it can be found when it must be erased. */
  readonly subject: string | undefined;
}

/** Stores the payload of entries that were appended in this transaction; the database refuses what they did not commit to. */
export async function addPersonal(tx: Pick<Tx, 'query'>, zone: string, items: readonly PersonalItem[]): Promise<void> {
  await tx.query('SELECT caracal.ledger_personal_add($1, $2, $3, $4, $5)', [
    zone,
    items.map((item) => item.index),
    binaryArray(
      ELEMENT.bytea,
      items.map((item) => item.salt),
    ),
    textArray(items.map((item) => item.payload)),
    textArray(items.map((item) => item.subject ?? null)),
  ]);
}

/** Which payload is to be erased: of a range of entries, or of one subject in it. */
export interface ErasureRange {
  readonly subject?: string | undefined;
  readonly from: number;
  readonly to?: number | undefined;
}

/** Erases, unless something of it is on hold; `held` and `erased` are indices, and one of them is empty. */
export async function erasePersonal(
  tx: ZoneTx,
  range: ErasureRange,
  at: Date,
): Promise<{ readonly erased: number[]; readonly held: number[] }> {
  const rows = await tx.query<{ index: string; held: boolean }>(
    'SELECT index, held FROM caracal.ledger_personal_erase($1, $2, $3, $4, $5)',
    [tx.zone, range.subject ?? null, range.from, range.to ?? null, at],
  );
  const of = (held: boolean) => rows.filter((row) => row.held === held).map((row) => Number(row.index));
  return { erased: of(false), held: of(true) };
}

/** Forgets the payload of what retention has dropped. */
export async function forgetPersonal(database: Database): Promise<void> {
  await database.asJanitor((tx) => tx.query('SELECT caracal.ledger_personal_forget()'));
}

const PAGE = 2_000;

/** What is kept of the entries `from` to `to` (exclusive), page by page, in the order of their indices. */
export async function* readPersonal(
  database: Database,
  zone: string,
  { from, to }: { from: number; to: number },
): AsyncGenerator<ExportedPersonal[]> {
  for (let after = from - 1; ;) {
    const rows = await database.asAuditor(zone, (tx) =>
      tx.query<{ index: string; salt: Buffer | null; payload: string | null; erased_at: Date | null }>(
        `SELECT index, salt, payload, erased_at FROM caracal.ledger_personal
          WHERE zone = $1 AND index > $2 AND index < $3 ORDER BY index LIMIT ${PAGE}`,
        [zone, after, to],
      ),
    );
    const last = rows.at(-1);
    if (!last) return;
    after = Number(last.index);
    yield rows.map(({ index, salt, payload, erased_at: erasedAt }) => ({
      index: Number(index),
      payload: salt && payload !== null ? { salt, payload } : undefined,
      erasedAt: erasedAt ?? undefined,
    }));
  }
}

/** The first entry of a range whose payload is not what it committed to, or is gone without having been erased. */
export async function personalFault(
  ask: AskLinks,
  zone: string,
  { from, to }: { from: number; to: number },
): Promise<{ readonly index: number; readonly reason: string } | undefined> {
  const [row] = await ask<{ index: string; reason: string }>(
    `SELECT * FROM (
       SELECT coalesce(l.index, p.index) AS index, CASE
         WHEN p.index IS NULL THEN 'personal payload is missing, and was not erased'
         WHEN l.commitment IS NULL THEN 'personal payload of an entry that has none'
         WHEN p.erased_at IS NULL AND l.commitment <> 'sha256:' || encode(sha256(p.salt || convert_to(p.payload, 'UTF8')), 'hex')
           THEN 'personal payload is not what the entry committed to'
       END AS reason
       FROM (SELECT e.index, e.entry::json ->> 'personal' AS commitment FROM caracal.ledger e
              WHERE e.zone = $1 AND e.index >= $2 AND e.index < $3 AND e.entry LIKE '%"personal":"sha256:%') l
       FULL JOIN (SELECT * FROM caracal.ledger_personal k WHERE k.zone = $1 AND k.index >= $2 AND k.index < $3) p ON p.index = l.index
       WHERE l.commitment IS NOT NULL OR p.index IS NOT NULL
     ) f WHERE f.reason IS NOT NULL ORDER BY f.index LIMIT 1`,
    [zone, from, to],
  );
  return row && { index: Number(row.index), reason: row.reason };
}

/** The first payload that was erased without an entry that says so. */
export async function erasureFault(
  ask: AskLinks,
  zone: string,
): Promise<{ readonly index: number; readonly reason: string } | undefined> {
  const [row] = await ask<{ index: string }>(
    `SELECT p.index FROM caracal.ledger_personal p WHERE p.zone = $1 AND p.erased_at IS NOT NULL AND p.index NOT IN (
       SELECT i.index::bigint FROM caracal.ledger e, json_array_elements_text(e.entry::json #> '{detail,indices}') AS i(index)
        WHERE e.zone = $1 AND e.facets @> ARRAY['type=ledger.personal_erased']
     ) ORDER BY p.index LIMIT 1`,
    [zone],
  );
  return row && { index: Number(row.index), reason: 'personal payload was erased without an entry that says so' };
}
