import { isJsonObject, type JsonObject, type JsonValue } from '../../kernel/json.js';
import { applicationSubject } from '../../kernel/subjects.js';
import { parseScope } from '../../kernel/scopes.js';
import type { TokenClaims } from './token-claims.js';
import { TokenError } from './token-error.js';

type Check = (value: JsonValue) => boolean;

const MAX_PARENT_TOKENS = 8;
const text: Check = (value) => typeof value === 'string' && value !== '';
const integer: Check = (value) => typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
const object: Check = isJsonObject;
const texts: Check = (value) =>
  Array.isArray(value) && value.length > 0 && value.every(text) && new Set(value).size === value.length;
const epochs: Check = (value) => isJsonObject(value) && ['z', 'a', 's'].every((name) => integer(value[name] ?? null));

const REQUIRED: Readonly<Record<string, Check>> = {
  iss: text,
  sub: text,
  aud: (value) => text(value) || texts(value),
  iat: integer,
  nbf: integer,
  exp: integer,
  jti: text,
  client_id: text,
  zone: text,
  sub_type: (value) => value === 'application' || value === 'user',
  ep: epochs,
  txn: text,
};

const OPTIONAL: Readonly<Record<string, Check>> = {
  scope: (value) => typeof value === 'string' && parseScope(value) !== undefined,
  sid: text,
  act: object,
  dlg: text,
  dep: integer,
  ptk: (value) => texts(value) && (value as readonly JsonValue[]).length <= MAX_PARENT_TOKENS,
  crd: text,
  cnf: object,
  authorization_details: (value) => Array.isArray(value) && value.every(object),
  apr: text,
};

/** Guarantees the shape of {@link TokenClaims} (RFC 9068 §2.2): every mandatory claim, every claim of its type. It says nothing about values. */
export function checkClaims(payload: JsonObject): TokenClaims {
  for (const [name, check] of Object.entries(REQUIRED)) {
    const value = payload[name];
    if (value === undefined || !check(value)) throw new TokenError('claims');
  }
  for (const [name, check] of Object.entries(OPTIONAL)) {
    const value = payload[name];
    if (value !== undefined && !check(value)) throw new TokenError('claims');
  }
  const claims = payload as unknown as TokenClaims;
  if (!namesItsKindOfSubject(claims)) throw new TokenError('claims');
  return claims;
}

/** A user's `sub` can never be read as an application's, nor the other way round (RFC 9068 §5). */
function namesItsKindOfSubject({ sub, sub_type: type }: TokenClaims): boolean {
  return sub.startsWith(applicationSubject('')) === (type === 'application');
}
