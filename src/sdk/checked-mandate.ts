import { forbiddenMember, parseJws, type ParsedJws } from '../kernel/jose/jws.js';
import { signedByOne } from '../kernel/jose/signatures.js';
import type { JsonObject, JsonValue } from '../kernel/json.js';
import { parseScope } from '../kernel/scopes.js';
import { MandateError } from './mandate-error.js';

/** What a resource server may rely on of a mandate. */
export interface Mandate {
  /** For whom the work is done; `app:…` or `user:…`. */
  readonly subject: string;
  /** The application that acts. */
  readonly clientId: string;
  readonly scopes: ReadonlySet<string>;
  /** Thumbprint of the key that the holder must prove (RFC 9449 §6.1). */
  readonly boundTo: string | undefined;
  readonly expiresAt: number;
  readonly id: string;
  readonly claims: JsonObject;
}

export interface MandateExpectations {
  readonly issuer: string;
  /** The identifier of the resource; the mandate must name it among its audiences. */
  readonly audience: string;
  /** Seconds since the epoch. */
  readonly now: number;
}

const ALGORITHMS = ['ES256', 'EdDSA', 'Ed25519'];
const LONGEST = 8_192;
const LEEWAY_SECONDS = 5;

/** The parts of a token, with the id of the key that it names; nothing of it is verified. */
export function readMandate(token: string): { readonly jws: ParsedJws; readonly kid: string } {
  const jws = parseJws(token, LONGEST);
  if (!jws) throw invalid('not a compact JWS');
  const { typ, kid } = jws.header;
  if (typ !== 'at+jwt') throw invalid('not an access token (RFC 9068 §2.1)');
  if (forbiddenMember(jws.header) !== undefined) throw invalid('a header that brings its own key or rules');
  if (typeof kid !== 'string') throw invalid('no key id');
  return { jws, kid };
}

/** Verifies signature, issuer, audience and times (RFC 9068 §4, RFC 8725); throws `invalid_token`. Revocation is another question. */
export function checkMandate(jws: ParsedJws, key: JsonObject, expected: MandateExpectations): Mandate {
  if (!signedByOne(jws, [key], ALGORITHMS)) throw invalid('not signed by the issuer');
  const { claims } = jws;
  if (claims['iss'] !== expected.issuer) throw invalid('of another issuer');
  const { aud } = claims;
  if (aud !== expected.audience && !(Array.isArray(aud) && (aud as readonly JsonValue[]).includes(expected.audience)))
    throw invalid('for another audience');
  checkTimes(claims, expected.now);
  const scopes = typeof claims['scope'] === 'string' ? parseScope(claims['scope']) : undefined;
  if (!scopes) throw invalid('no scope');
  return {
    subject: text(claims, 'sub'),
    clientId: text(claims, 'client_id'),
    scopes,
    boundTo: boundTo(claims['cnf']),
    expiresAt: claims['exp'] as number,
    id: text(claims, 'jti'),
    claims,
  };
}

function checkTimes({ exp, nbf, iat }: JsonObject, now: number): void {
  if (!Number.isSafeInteger(exp) || !Number.isSafeInteger(iat)) throw invalid('no times');
  if ((exp as number) + LEEWAY_SECONDS <= now) throw invalid('expired');
  if ((iat as number) > now + LEEWAY_SECONDS) throw invalid('of the future');
  if (nbf !== undefined && !(Number.isSafeInteger(nbf) && (nbf as number) <= now + LEEWAY_SECONDS))
    throw invalid('not valid yet');
}

/** A confirmation that is not understood must not pass for none (RFC 7800 §3.1). */
function boundTo(cnf: JsonValue | undefined): string | undefined {
  if (cnf === undefined) return undefined;
  const jkt = typeof cnf === 'object' && cnf !== null && 'jkt' in cnf ? cnf.jkt : undefined;
  if (typeof jkt !== 'string') throw invalid('bound in a way that is not known here');
  return jkt;
}

function text(claims: JsonObject, name: string): string {
  const value = claims[name];
  if (typeof value !== 'string' || value === '') throw invalid(`no ${name}`);
  return value;
}

function invalid(detail: string): MandateError {
  return new MandateError('invalid_token', detail);
}
