import { createHash } from 'node:crypto';

/** Something that may happen once in a zone: a `jti`, a single-use token, a unit of a budget. */
export interface OnceClaim {
  readonly kind: string;
  /** Kept as its SHA-256 only. */
  readonly key: string;
  /** Milliseconds; from then on the claim may be forgotten. */
  readonly expiresAt: number;
  /** A budget: it may happen so many times. Omitted: once. */
  readonly limit?: number | undefined;
  /** Of the budgets of one entry that are among the same, only the first that has a unit left is taken. */
  readonly among?: string | undefined;
}

/** A claim as it is stored. */
export interface OnceClaimRow {
  readonly kind: string;
  readonly keyHash: Buffer;
  readonly expiresAt: number;
  /** A budget of so many units; otherwise it happens once. */
  readonly limit?: number | undefined;
  readonly among?: string | undefined;
}

/** The stored form of a claim: what it is about is not legible from it. */
export function claimRow({ kind, key, expiresAt, limit, among }: OnceClaim): OnceClaimRow {
  return { kind, keyHash: createHash('sha256').update(key, 'utf8').digest(), expiresAt, limit, among };
}
