import type { ZoneTx } from '../../platform/database/index.js';
import { judgeRow, type RowVerdict, type TokenRow } from '../domain/upstream/token-row.js';

/** What a token is kept under. */
export interface TokenKey {
  readonly provider: string;
  /** Empty when the token is everybody's. */
  readonly subject: string;
  readonly scopes: string;
  readonly basis: string;
  readonly connection?: string | undefined;
}

/** What was found, what is to be done about it, and when that was, by the database's clock. */
export interface Claim {
  readonly row: TokenRow;
  readonly verdict: RowVerdict;
  readonly now: number;
}

export interface Lease {
  readonly holder: string;
  readonly generation: number;
}

const KEY = 'zone = $1 AND provider = $2 AND subject = $3 AND scopes = $4';

/** Looks at the row and, when the token has to be renewed and nobody does, takes the lease. */
export async function claimToken(tx: ZoneTx, key: TokenKey, holder: string, leaseMs: number): Promise<Claim> {
  await tx.query(
    `INSERT INTO upstream_tokens (zone, provider, subject, scopes, basis, connection) VALUES ($1, $2, $3, $4, $5, $6)
     ON CONFLICT DO NOTHING`,
    [...keyOf(tx, key), key.basis, key.connection ?? null],
  );
  const [found] = await tx.query<StoredRow>(
    `SELECT basis, access_sealed, generation, failures, fault, ${ms('expires_at')}, ${ms('lease_until')}, ${ms('retry_at')}, ${ms('clock_timestamp()', 'now')}
     FROM upstream_tokens WHERE ${KEY} FOR UPDATE`,
    keyOf(tx, key),
  );
  if (!found) throw new Error('the row that was just made is gone');
  const row = toRow(found);
  const now = Number(found.now);
  const verdict = judgeRow(row, key.basis, now);
  if (verdict.do === 'renew')
    await tx.query(
      `UPDATE upstream_tokens SET lease_holder = $5, lease_until = clock_timestamp() + $6 * interval '1 millisecond', touched_at = clock_timestamp()
       WHERE ${KEY}`,
      [...keyOf(tx, key), holder, leaseMs],
    );
  return { row, verdict, now };
}

/** Keeps a renewed token and gives the lease back. False when the lease was lost meanwhile: then nothing is kept. */
export async function keepToken(
  tx: ZoneTx,
  key: TokenKey,
  lease: Lease,
  token: { readonly sealed: Buffer; readonly lifeMs: number | undefined },
): Promise<boolean> {
  const answer = await tx.query<unknown>(
    `UPDATE upstream_tokens
     SET basis = $5, connection = $6, access_sealed = $7, generation = generation + 1, obtained_at = clock_timestamp(),
       expires_at = clock_timestamp() + $8::double precision * interval '1 millisecond',
       lease_holder = NULL, lease_until = NULL, failures = 0, fault = NULL, retry_at = NULL, touched_at = clock_timestamp()
     WHERE ${KEY} AND lease_holder = $9 AND generation = $10`,
    [
      ...keyOf(tx, key),
      key.basis,
      key.connection ?? null,
      token.sealed,
      token.lifeMs ?? null,
      lease.holder,
      lease.generation,
    ],
  );
  return answer[1] === 1;
}

/** Gives the lease back after a failure: nobody tries again before the delay has passed. */
export async function failToken(
  tx: ZoneTx,
  key: TokenKey,
  lease: Lease,
  failure: { readonly fault: string; readonly failures: number; readonly delayMs: number },
): Promise<void> {
  await tx.query(
    `UPDATE upstream_tokens
     SET access_sealed = CASE WHEN basis = $5 THEN access_sealed END, expires_at = CASE WHEN basis = $5 THEN expires_at END, basis = $5, connection = $6,
       failures = $7, fault = $8, retry_at = clock_timestamp() + $9 * interval '1 millisecond',
       lease_holder = NULL, lease_until = NULL, touched_at = clock_timestamp()
     WHERE ${KEY} AND lease_holder = $10`,
    [
      ...keyOf(tx, key),
      key.basis,
      key.connection ?? null,
      failure.failures,
      failure.fault,
      failure.delayMs,
      lease.holder,
    ],
  );
}

/** Keeps a token that was obtained by other means than renewal, whatever was there; leases on the old one are lost. */
export async function replaceToken(
  tx: ZoneTx,
  key: TokenKey,
  seal: (generation: number) => Buffer,
  lifeMs: number | undefined,
): Promise<void> {
  await tx.query(
    `INSERT INTO upstream_tokens (zone, provider, subject, scopes, basis, connection) VALUES ($1, $2, $3, $4, $5, $6)
     ON CONFLICT DO NOTHING`,
    [...keyOf(tx, key), key.basis, key.connection ?? null],
  );
  const [found] = await tx.query<{ generation: number }>(
    `SELECT generation FROM upstream_tokens WHERE ${KEY} FOR UPDATE`,
    keyOf(tx, key),
  );
  const generation = found?.generation ?? 0;
  const holder = 'replaced';
  await tx.query(`UPDATE upstream_tokens SET lease_holder = $5 WHERE ${KEY}`, [...keyOf(tx, key), holder]);
  await keepToken(tx, key, { holder, generation }, { sealed: seal(generation + 1), lifeMs });
}

/** Takes a token out of use that the upstream refused, unless it was renewed meanwhile or cannot be renewed at all. */
export async function evictToken(tx: ZoneTx, key: TokenKey, generation: number): Promise<void> {
  await tx.query(
    `UPDATE upstream_tokens t SET access_sealed = NULL, expires_at = NULL, touched_at = clock_timestamp()
     WHERE ${KEY} AND generation = $5 AND (connection IS NULL OR EXISTS (
       SELECT FROM connections c WHERE c.zone = t.zone AND c.id = t.connection AND c.refresh_sealed IS NOT NULL))`,
    [...keyOf(tx, key), generation],
  );
}

/** Forgets the access tokens of a connection. */
export async function forgetTokens(tx: ZoneTx, connection: string): Promise<void> {
  await tx.query('DELETE FROM upstream_tokens WHERE zone = $1 AND connection = $2', [tx.zone, connection]);
}

/** The sealed access token of a connection with what it was sealed for. */
export async function connectionToken(
  tx: ZoneTx,
  connection: string,
): Promise<{ key: TokenKey; sealed: Buffer; generation: number } | undefined> {
  const [row] = await tx.query<StoredRow & { provider: string; subject: string; scopes: string }>(
    `SELECT provider, subject, scopes, basis, access_sealed, generation FROM upstream_tokens
     WHERE zone = $1 AND connection = $2 AND access_sealed IS NOT NULL`,
    [tx.zone, connection],
  );
  if (!row?.access_sealed) return undefined;
  const { provider, subject, scopes, basis, generation } = row;
  return { key: { provider, subject, scopes, basis, connection }, sealed: row.access_sealed, generation };
}

interface StoredRow {
  readonly basis: string;
  readonly access_sealed: Buffer | null;
  readonly generation: number;
  readonly failures: number;
  readonly fault: string | null;
  readonly expires_at: number | null;
  readonly lease_until: number | null;
  readonly retry_at: number | null;
  readonly now: number;
}

function toRow(row: StoredRow): TokenRow {
  return {
    basis: row.basis,
    accessSealed: row.access_sealed ?? undefined,
    generation: row.generation,
    failures: row.failures,
    fault: row.fault ?? undefined,
    expiresAt: row.expires_at ?? undefined,
    leaseUntil: row.lease_until ?? undefined,
    retryAt: row.retry_at ?? undefined,
  };
}

function ms(expression: string, name = expression): string {
  return `(extract(epoch FROM ${expression}) * 1000)::double precision AS ${name}`;
}

function keyOf(tx: ZoneTx, { provider, subject, scopes }: TokenKey): [string, string, string, string] {
  return [tx.zone, provider, subject, scopes];
}
