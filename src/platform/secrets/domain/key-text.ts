const HEX = /^(?:[0-9a-f]{2})+$/i;
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;
const BASE64URL = /^[A-Za-z0-9_-]+$/;
const SHORTEST_HEX = 64;

/** The bytes of a key written in hexadecimal (64 digits or more), base64 or base64url; undefined when it is written in neither. */
export function decodeKey(text: string): Buffer | undefined {
  if (text.length >= SHORTEST_HEX && HEX.test(text)) return Buffer.from(text, 'hex');
  if (BASE64URL.test(text)) return Buffer.from(text, 'base64url');
  return BASE64.test(text) ? Buffer.from(text, 'base64') : undefined;
}

/** How keys that are made here are written. */
export function encodeKey(key: Uint8Array): string {
  return Buffer.from(key).toString('base64url');
}
