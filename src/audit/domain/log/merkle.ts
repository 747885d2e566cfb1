import { sha256 } from '../sha256.js';

/** Bytes of a SHA-256 hash. */
export const HASH_BYTES = 32;

/** The root of a tree without entries: SHA-256 of nothing (RFC 6962 §2.1). */
export const EMPTY_ROOT: Buffer = sha256('');

const NODE_PREFIX = 0x01;
/** Nothing keeps what is put together here: hashing reads it before the next node is written. */
const nodeBytes = Buffer.alloc(1 + 2 * HASH_BYTES, NODE_PREFIX);

/** `SHA-256(0x01 ‖ left ‖ right)`, the hash of an inner node (RFC 6962 §2.1). */
export function nodeHash(left: Uint8Array, right: Uint8Array): Buffer {
  nodeBytes.set(left, 1);
  nodeBytes.set(right, 1 + HASH_BYTES);
  return sha256(nodeBytes);
}

/** The largest power of two smaller than `n`, where RFC 6962 §2.1 splits a list of more than one entry. */
export function splitPoint(n: number): number {
  let k = 1;
  while (k * 2 < n) k *= 2;
  return k;
}

/** The Merkle tree hash over hashes that stand one after the other, at least one, as if they were its leaves (RFC 6962 §2.1). */
export function merkleRoot(hashes: Buffer): Buffer {
  const count = hashes.length / HASH_BYTES;
  if (count === 1) return Buffer.from(hashes);
  const middle = splitPoint(count) * HASH_BYTES;
  return nodeHash(merkleRoot(hashes.subarray(0, middle)), merkleRoot(hashes.subarray(middle)));
}

/** The root of a tree given the roots of its perfect subtrees, largest first, which is also left to right. */
export function foldSubtrees(roots: readonly Buffer[]): Buffer {
  const last = roots.at(-1);
  if (!last) return EMPTY_ROOT;
  return roots.slice(0, -1).reduceRight((right, left) => nodeHash(left, right), last);
}
