import { createHmac, type KeyObject } from 'node:crypto';
import { lp } from '../../kernel/length-prefixed.js';
import { formatTime } from '../../kernel/times.js';
import { sha256, sha256Hex } from './sha256.js';

const CHAIN_VERSION = 1;

/** The chain value before index 0. */
export const GENESIS_MAC: Buffer = Buffer.alloc(32);

/** Everything a link of the chain commits to. */
export interface Link {
  readonly zone: string;
  readonly index: number;
  readonly kid: string;
  readonly eventId: string;
  /** Milliseconds. */
  readonly ingestedAt: number;
  readonly leaf: Buffer;
}

/** `0x00 ‖ entry bytes`: what the leaf is the hash of; the entry's bytes begin at 1. */
export function leafInput(entry: string): Buffer {
  const input = Buffer.allocUnsafe(1 + Buffer.byteLength(entry));
  input[0] = 0;
  input.write(entry, 1);
  return input;
}

/** The leaf hash of RFC 6962 §2.1. */
export function leafOf(input: Buffer): Buffer {
  return sha256(input);
}

/** `SHA-256(0x00 ‖ entry bytes)`, the leaf hash of RFC 6962 §2.1. */
export function leafHash(entry: string): Buffer {
  // A NUL is the one byte 0x00 in UTF-8; hashing one text at once is twice as fast as in two pieces.
  return sha256(`\0${entry}`);
}

/** {@link leafHash} in hexadecimal, as exports have it. */
export function leafHashHex(entry: string): string {
  return sha256Hex(`\0${entry}`);
}

/** `HMAC-SHA-256(key, LP(version, kid, zone, index, event_id, ingested_at, leaf, previous))`. */
export function chainMac(key: KeyObject, link: Link, previous: Buffer): Buffer {
  const message = lp(
    CHAIN_VERSION,
    link.kid,
    link.zone,
    link.index,
    link.eventId,
    formatTime(link.ingestedAt),
    link.leaf,
    previous,
  );
  return createHmac('sha256', key).update(message).digest();
}
