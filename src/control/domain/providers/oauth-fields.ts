import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { isJsonObject, type JsonValue } from '../../../kernel/json.js';
import { parseScope } from '../../../kernel/scopes.js';

/** A rule of one member of any type: what is wrong with the value, or undefined. It never repeats the value. */
export type MemberRule = (value: JsonValue) => string | undefined;

/** How the server authenticates to an upstream's token endpoint (RFC 6749 §2.3, OpenID Connect Core §9). */
export const CLIENT_AUTH_METHODS = ['client_secret_basic', 'client_secret_post', 'private_key_jwt', 'none'] as const;
export type ClientAuthMethod = (typeof CLIENT_AUTH_METHODS)[number];

/** Parameters that the flows set themselves; one of them among `params` would change what is asked for. */
const OWN_PARAMETERS = new Set([
  'actor_token',
  'actor_token_type',
  'assertion',
  'client_assertion',
  'client_assertion_type',
  'client_id',
  'client_secret',
  'code',
  'code_challenge',
  'code_challenge_method',
  'code_verifier',
  'grant_type',
  'redirect_uri',
  'refresh_token',
  'request',
  'request_uri',
  'requested_token_type',
  'response_mode',
  'response_type',
  'scope',
  'state',
  'subject_token',
  'subject_token_type',
]);
const PARAMETER_NAME = /^[A-Za-z0-9_.\-~[\]:]{1,64}$/;
const MOST_PARAMETERS = 16;
const MOST_TEXT = 1_024;
const MOST_URLS = 8;
const MOST_KEY = 16_384;
const CONTROL = /[\u0000-\u001f\u007f]/;
const EC_CURVES = ['prime256v1', 'secp384r1'];
const MIN_RSA_BITS = 2_048;

export const plainText: MemberRule = (value) =>
  isPlain(value, MOST_TEXT) ? undefined : `must be 1–${MOST_TEXT} characters without control characters`;

export const longSecret: MemberRule = (value) =>
  isPlain(value, 8_192) ? undefined : 'must be 1–8192 characters without control characters';

/** Where requests go; whether the place may be reached is the egress guard's question. */
export const endpointUrl: MemberRule = (value) => {
  const url = parsedUrl(value);
  const sound = url && (url.protocol === 'https:' || url.protocol === 'http:') && !url.username && !url.password;
  return sound && !url.hash
    ? undefined
    : 'must be an absolute https URL without user, password or fragment (RFC 6749 §3.2)';
};

/** RFC 8707 §2; several are a list. */
export const resourceUris: MemberRule = (value) => {
  const uris = Array.isArray(value) ? (value as readonly JsonValue[]) : [value];
  const sound = uris.length > 0 && uris.length <= MOST_URLS && uris.every((uri) => parsedUrl(uri)?.hash === '');
  return sound ? undefined : 'must be an absolute URI without a fragment, or a list of at most 8 (RFC 8707 §2)';
};

export const audiences: MemberRule = (value) => {
  const names = Array.isArray(value) ? (value as readonly JsonValue[]) : [value];
  const sound = names.length > 0 && names.length <= MOST_URLS && names.every((name) => isPlain(name, MOST_TEXT));
  return sound ? undefined : 'must be a text, or a list of at most 8';
};

export const scopeText: MemberRule = (value) =>
  typeof value === 'string' && value.length <= 4_096 && parseScope(value) !== undefined
    ? undefined
    : 'must be scope tokens separated by single spaces (RFC 6749 §3.3)';

export const authMethod: MemberRule = (value) =>
  CLIENT_AUTH_METHODS.includes(value as ClientAuthMethod)
    ? undefined
    : `must be one of ${CLIENT_AUTH_METHODS.join(', ')}`;

export const algorithm: MemberRule = (value) =>
  ['RS256', 'PS256', 'ES256', 'ES384', 'EdDSA'].includes(value as string)
    ? undefined
    : 'must be one of RS256, PS256, ES256, ES384, EdDSA';

export const extraParams: MemberRule = (value) => {
  if (!isJsonObject(value) || Object.keys(value).length > MOST_PARAMETERS)
    return `must be an object of at most ${MOST_PARAMETERS} texts`;
  const faulty = Object.entries(value).find(([name, text]) => !PARAMETER_NAME.test(name) || !isPlain(text, MOST_TEXT));
  if (faulty) return 'must have parameter names of 1–64 URL-safe characters and texts as values';
  const own = Object.keys(value).find((name) => OWN_PARAMETERS.has(name));
  return own === undefined ? undefined : `must not hold ${own}, which the flow sets itself`;
};

/** PKCS #8 or SEC 1 PEM, or a private JWK (RFC 7517), of a kind that assertions can be signed with. */
export const signingKey: MemberRule = (value) => {
  const key = importPrivateKey(value);
  if (!key) return 'must be a private key, as PEM without passphrase or as JWK';
  return signs(key) ? undefined : 'must be an RSA key of at least 2048 bits, or a P-256, P-384 or Ed25519 key';
};

/** A private key of a client certificate; anything that TLS takes. */
export const tlsKey: MemberRule = (value) =>
  typeof value === 'string' && importPrivateKey(value) ? undefined : 'must be a private key as PEM without passphrase';

export const certificateChain: MemberRule = (value) =>
  typeof value === 'string' && value.length <= 65_536 && readCertificates(value).length > 0
    ? undefined
    : 'must be one or more certificates as PEM, the leaf first';

/** The key as Node knows it; undefined for what is none. */
export function importPrivateKey(value: unknown): KeyObject | undefined {
  try {
    if (typeof value === 'string') return value.length <= MOST_KEY ? createPrivateKey(value) : undefined;
    return isJsonObject(value) ? createPrivateKey({ key: { ...value }, format: 'jwk' }) : undefined;
  } catch {
    return undefined;
  }
}

/** The certificates of a PEM text in their order; none when one of them cannot be read. */
export function readCertificates(pem: string): readonly X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g) ?? [];
  try {
    return blocks.map((block) => new X509Certificate(block));
  } catch {
    return [];
  }
}

function signs({ asymmetricKeyType: type, asymmetricKeyDetails: details }: KeyObject): boolean {
  if (type === 'rsa') return (details?.modulusLength ?? 0) >= MIN_RSA_BITS;
  return type === 'ed25519' || (type === 'ec' && EC_CURVES.includes(details?.namedCurve ?? ''));
}

function parsedUrl(value: JsonValue): URL | undefined {
  return typeof value === 'string' && value.length <= 2_048 && URL.canParse(value) ? new URL(value) : undefined;
}

function isPlain(value: JsonValue | undefined, most: number): value is string {
  return typeof value === 'string' && value !== '' && value.length <= most && !CONTROL.test(value);
}
