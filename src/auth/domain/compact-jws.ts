import type { JsonObject } from '../../kernel/json.js';
import { decodeObject, decodeStrict, splitCompact } from '../../kernel/jose/compact.js';
import { TokenError, type TokenFault } from './token-error.js';

/** A token cut into its parts, none of them believed. */
export interface CompactJws {
  readonly header: string;
  readonly payload: string;
  /** What the signature covers (RFC 7515 §5.2 step 8). */
  readonly signingInput: string;
  readonly signature: Buffer;
}

const MAX_DEPTH = 16;

/** Cuts a compact JWS (RFC 7515 §7.1): exactly three non-empty parts, each in the one base64url form of its bytes. */
export function parseCompact(token: string, maxBytes: number): CompactJws {
  if (token.length > maxBytes) throw new TokenError('too_long');
  const parts = splitCompact(token, maxBytes);
  const signature = parts && decodeStrict(parts.signature);
  if (!signature) throw new TokenError('malformed');
  const { header, payload } = parts;
  return { header, payload, signingInput: `${header}.${payload}`, signature };
}

/** The JSON object in a part, with duplicate members refused (RFC 7515 §4, RFC 7519 §4). */
export function decodePart(part: string, fault: TokenFault): JsonObject {
  const value = decodeObject(part, MAX_DEPTH);
  if (!value) throw new TokenError(fault);
  return value;
}
