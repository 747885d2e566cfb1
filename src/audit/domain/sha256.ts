import { hash } from 'node:crypto';

/** The SHA-256 of bytes, or of a text in UTF-8. */
export function sha256(input: string | Uint8Array): Buffer {
  // Making a Buffer outside JavaScript costs more than hashing a tree's node: a text of one character for each byte is less than half of it.
  return Buffer.from(hash('sha256', input, 'binary'), 'binary');
}

/** The same in hexadecimal. */
export function sha256Hex(input: string | Uint8Array): string {
  return hash('sha256', input, 'hex');
}
