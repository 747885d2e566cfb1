/** A token is renewed this long before it expires. */
export const RENEW_EARLY_MS = 30_000;

/** What is stored of one (zone, provider, subject, scopes); times in milliseconds of the database's clock. */
export interface TokenRow {
  readonly basis: string;
  readonly accessSealed: Buffer | undefined;
  readonly generation: number;
  /** Undefined when it does not expire, or when there is none. */
  readonly expiresAt: number | undefined;
  readonly leaseUntil: number | undefined;
  readonly failures: number;
  readonly fault: string | undefined;
  readonly retryAt: number | undefined;
}

/** What somebody who needs the token does about the row. */
export type RowVerdict =
  | { readonly do: 'use' }
  /** Renew it, holding the lease. */
  | { readonly do: 'renew' }
  /** Somebody else renews it; look again. */
  | { readonly do: 'wait' }
  /** It was tried in vain and is not tried again before then. */
  | { readonly do: 'back_off'; readonly ms: number; readonly fault: string };

/** True while the token may be handed out without renewing it first. Without an end it lasts until the upstream refuses it. */
export function isFresh(expiresAt: number | undefined, now: number): boolean {
  return expiresAt === undefined || expiresAt - now > RENEW_EARLY_MS;
}

/**
 * What to do about the row at `now`. A row of another basis is no row: its token was obtained under a configuration or connection that holds no
 * more. A lease that has passed belongs to nobody: whoever held it is taken for dead.
 */
export function judgeRow(row: TokenRow, basis: string, now: number): RowVerdict {
  const known = row.basis === basis;
  if (known && row.accessSealed !== undefined && isFresh(row.expiresAt, now)) return { do: 'use' };
  if (row.leaseUntil !== undefined && row.leaseUntil > now) return { do: 'wait' };
  if (known && row.retryAt !== undefined && row.retryAt > now)
    return { do: 'back_off', ms: row.retryAt - now, fault: row.fault ?? 'unknown' };
  return { do: 'renew' };
}

/** True when a token that could not be renewed still works for a little: late is better than not at all. */
export function stillWorks(row: TokenRow, basis: string, now: number): boolean {
  return (
    row.basis === basis &&
    row.accessSealed !== undefined &&
    (row.expiresAt === undefined || row.expiresAt - now > 1_000)
  );
}

const FIRST_DELAY_MS = 250;
const LONGEST_DELAY_MS = 60_000;
/** A fault that time alone does not mend is tried again this seldom. */
const PERMANENT_DELAY_MS = 30_000;

/**
 * How long nobody asks again after so many failures in a row. The first transient failure is free, then it doubles from 250 ms to a minute. What
 * the upstream asks for (`Retry-After`) is honoured up to that minute.
 */
export function backOff(kind: 'transient' | 'permanent', failures: number, retryAfterMs = 0): number {
  const own =
    kind === 'permanent'
      ? Math.min(PERMANENT_DELAY_MS, 1_000 * 2 ** Math.min(failures - 1, 20))
      : failures <= 1
        ? 0
        : FIRST_DELAY_MS * 2 ** Math.min(failures - 2, 20);
  return Math.min(LONGEST_DELAY_MS, Math.max(own, retryAfterMs));
}
