import type { JsonObject } from '../json.js';
import { decodeObject, decodeStrict, splitCompact } from './compact.js';

/** A compact JWS taken apart; nothing of it is verified. */
export interface ParsedJws {
  readonly header: JsonObject;
  readonly claims: JsonObject;
  readonly signed: Buffer;
  readonly signature: Buffer;
}

const MAX_SIZE = 8_192;
const MAX_DEPTH = 8;
/** Header members that bring a key, say where one lies, or change what the rest means (RFC 7515 §4.1, RFC 7797 §3). */
const KEY_AND_EXTENSION_MEMBERS = ['crit', 'b64', 'jwk', 'jku', 'x5u', 'x5c'];

/** The parts of a compact JWS whose header and payload are JSON objects without duplicate members, or undefined (RFC 7515 §3.1, §5.2). */
export function parseJws(text: string, maxSize = MAX_SIZE): ParsedJws | undefined {
  const parts = splitCompact(text, maxSize);
  const header = parts && decodeObject(parts.header, MAX_DEPTH);
  const claims = parts && decodeObject(parts.payload, MAX_DEPTH);
  const signature = parts && decodeStrict(parts.signature);
  if (!header || !claims || !signature) return undefined;
  return { header, claims, signed: Buffer.from(`${parts.header}.${parts.payload}`, 'ascii'), signature };
}

/**
 * The first header member that would let the sender choose the key or the rules, or undefined (RFC 8725 §3.10). `allowed` names the one that a
 * profile needs, such as `jwk` in a DPoP proof.
 */
export function forbiddenMember(header: JsonObject, allowed?: string): string | undefined {
  return KEY_AND_EXTENSION_MEMBERS.find((name) => name !== allowed && header[name] !== undefined);
}
