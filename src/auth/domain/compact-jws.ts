import { isJsonObject, parseJsonStrict, type JsonObject } from '../../kernel/json.js';
import { TokenError, type TokenFault } from './token-error.js';

/** A token cut into its parts, none of them believed. */
export interface CompactJws {
  readonly header: string;
  readonly payload: string;
  /** What the signature covers (RFC 7515 §5.2 step 8). */
  readonly signingInput: string;
  readonly signature: Buffer;
}

const BASE64URL = /^[A-Za-z0-9_-]+$/;
const UTF8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Cuts a compact JWS (RFC 7515 §7.1): exactly three non-empty parts, each in the one base64url form of its bytes. */
export function parseCompact(token: string, maxBytes: number): CompactJws {
  if (token.length > maxBytes) throw new TokenError('too_long');
  const [header, payload, signature, ...rest] = token.split('.');
  if (!header || !payload || !signature || rest.length > 0) throw new TokenError('malformed');
  return { header, payload, signingInput: `${header}.${payload}`, signature: decodeStrict(signature) };
}

/** The JSON object in a part, with duplicate members refused (RFC 7515 §4, RFC 7519 §4). */
export function decodePart(part: string, fault: TokenFault): JsonObject {
  try {
    const value = parseJsonStrict(UTF8.decode(decodeStrict(part)), { maxDepth: 16 });
    if (isJsonObject(value)) return value;
  } catch {
    throw new TokenError(fault);
  }
  throw new TokenError(fault);
}

/** base64url without padding, white space or stray bits: two texts for the same bytes would be two tokens with one signature (RFC 4648 §3.5). */
function decodeStrict(text: string): Buffer {
  if (!BASE64URL.test(text)) throw new TokenError('malformed');
  const bytes = Buffer.from(text, 'base64url');
  if (bytes.toString('base64url') !== text) throw new TokenError('malformed');
  return bytes;
}
