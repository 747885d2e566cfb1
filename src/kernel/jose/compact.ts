import { isJsonObject, type JsonObject, parseJsonStrict } from '../json.js';

/** A compact serialization cut into its parts, none of them believed. */
export interface CompactParts {
  readonly header: string;
  readonly payload: string;
  readonly signature: string;
}

const BASE64URL = /^[A-Za-z0-9_-]+$/;
const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Cuts a compact JWS (RFC 7515 §7.1) into exactly three non-empty parts; undefined for any other text and for one that is too long. */
export function splitCompact(text: string, maxBytes: number): CompactParts | undefined {
  if (text.length > maxBytes) return undefined;
  const [header, payload, signature, ...rest] = text.split('.');
  return header && payload && signature && rest.length === 0 ? { header, payload, signature } : undefined;
}

/**
 * The bytes of base64url without padding, white space or stray bits (RFC 4648 §3.5), else undefined: two texts for the same bytes would be two
 * tokens with one signature.
 */
export function decodeStrict(text: string): Buffer | undefined {
  if (!BASE64URL.test(text)) return undefined;
  const bytes = Buffer.from(text, 'base64url');
  return bytes.toString('base64url') === text ? bytes : undefined;
}

/** The JSON object in a part, in UTF-8 and without duplicate members (RFC 7515 §4, RFC 7519 §4), else undefined. */
export function decodeObject(part: string, maxDepth: number): JsonObject | undefined {
  const bytes = decodeStrict(part);
  if (!bytes) return undefined;
  try {
    const value = parseJsonStrict(UTF8.decode(bytes), { maxDepth });
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
