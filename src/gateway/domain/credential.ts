/** A key that travels in the query. */
export interface QueryCredential {
  readonly name: string;
  readonly value: string;
}

/** What is added to a request towards the upstream, and what must never come back from it. */
export interface Credential {
  readonly header?: { readonly name: string; readonly value: string };
  readonly query?: QueryCredential;
  /** Secret texts; an upstream that echoes one is scrubbed. */
  readonly secrets: readonly string[];
}

export const NO_CREDENTIAL: Credential = { secrets: [] };

export type CredentialVerdict = { readonly credential: Credential } | { readonly unavailable: string };

type Members = Readonly<Record<string, unknown>>;

/** A header value that no parser splits (RFC 9110 §5.5): visible ASCII, spaces and tabs. */
const HEADER_VALUE = /^[\t\x20-\x7e]+$/;
const HEADER_NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/**
 * The credential of the provider kinds whose secret is all there is to it: `none`, `api_key`, `bearer`, `basic` (RFC 7617, RFC 6750 §2.1). A
 * secret or configuration that is missing or cannot stand in a header is `unavailable`, so nothing is sent upstream without it. `mandate` and
 * the OAuth kinds are obtained per call and are not known here.
 */
export function staticCredential(kind: string, config: Members, secret: Members): CredentialVerdict {
  switch (kind) {
    case 'none':
      return { credential: NO_CREDENTIAL };
    case 'api_key':
      return apiKey(config, secret);
    case 'bearer':
      return bearer(config, secret);
    case 'basic':
      return basic(config, secret);
    default:
      return { unavailable: `kind ${kind}` };
  }
}

/** `Authorization: Bearer` with a token made for this call. */
export function bearerCredential(token: string): Credential {
  return { header: { name: 'authorization', value: `Bearer ${token}` }, secrets: [token] };
}

function apiKey(config: Members, secret: Members): CredentialVerdict {
  const { name, prefix } = config;
  const { value } = secret;
  if (!isText(name) || !isText(value)) return { unavailable: 'api_key without name or value' };
  if (config['in'] === 'query') return { credential: { query: { name, value }, secrets: [value] } };
  return inHeader(name, `${isText(prefix) ? prefix : ''}${value}`, [value]);
}

function bearer(config: Members, secret: Members): CredentialVerdict {
  const { token } = secret;
  if (!isText(token)) return { unavailable: 'bearer without token' };
  const scheme = typeof config['scheme'] === 'string' ? config['scheme'] : 'Bearer';
  return inHeader(
    isText(config['header']) ? config['header'] : 'authorization',
    scheme === '' ? token : `${scheme} ${token}`,
    [token],
  );
}

function basic(config: Members, secret: Members): CredentialVerdict {
  const { username } = config;
  const { password } = secret;
  if (typeof username !== 'string' || typeof password !== 'string' || username.includes(':'))
    return { unavailable: 'basic without username or password' };
  const pair = Buffer.from(`${username}:${password}`).toString('base64');
  return inHeader('authorization', `Basic ${pair}`, [password, pair]);
}

function inHeader(name: string, value: string, secrets: readonly string[]): CredentialVerdict {
  if (!HEADER_NAME.test(name) || !HEADER_VALUE.test(value))
    return { unavailable: 'the credential cannot stand in a header' };
  return { credential: { header: { name, value }, secrets } };
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}
