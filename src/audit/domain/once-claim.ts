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
}

/** A claim as it is stored. */
export interface OnceClaimRow {
  readonly kind: string;
  readonly keyHash: Buffer;
  readonly expiresAt: number;
  /** A budget of so many units; otherwise it happens once. */
  readonly limit?: number | undefined;
}

/** The stored form of a claim: what it is about is not legible from it. */
export function claimRow({ kind, key, expiresAt, limit }: OnceClaim): OnceClaimRow {
  return { kind, keyHash: createHash('sha256').update(key, 'utf8').digest(), expiresAt, limit };
}
