import { createHash } from 'node:crypto';
import { canonicalize } from '../../../kernel/canonical-json.js';
import type { JsonObject } from '../../../kernel/json.js';
import type { TokenClaims } from '../../../auth/index.js';
import type { ProviderSettings } from './provider-settings.js';

/** Names and values of a form; a name may repeat. */
export type FormParameters = readonly (readonly [string, string])[];

/** RFC 6749 §4.4.2. */
export function clientCredentialsRequest(settings: ProviderSettings): FormParameters {
  return [['grant_type', 'client_credentials'], ...targets(settings), ...extras(settings)];
}

/** RFC 7523 §2.1. */
export function jwtBearerRequest(settings: ProviderSettings, assertion: string): FormParameters {
  return [
    ['grant_type', 'urn:ietf:params:oauth:grant-type:jwt-bearer'],
    ['assertion', assertion],
    ...targets(settings),
    ...extras(settings),
  ];
}

/** RFC 8693 §2.1. */
export function exchangeRequest(settings: ProviderSettings, subjectToken: string): FormParameters {
  const requested = settings.text('requested_token_type');
  return [
    ['grant_type', 'urn:ietf:params:oauth:grant-type:token-exchange'],
    ['subject_token', subjectToken],
    ['subject_token_type', settings.text('subject_token_type') ?? 'urn:ietf:params:oauth:token-type:jwt'],
    ...(requested === undefined ? [] : ([['requested_token_type', requested]] as const)),
    ...targets(settings),
    ...extras(settings),
  ];
}

/** RFC 6749 §6. The scope is not repeated: what was granted is kept. */
export function refreshRequest(settings: ProviderSettings, refreshToken: string): FormParameters {
  return [
    ['grant_type', 'refresh_token'],
    ['refresh_token', refreshToken],
    ...settings.resource.map((uri) => ['resource', uri] as const),
  ];
}

/** RFC 6749 §4.1.3, RFC 7636 §4.5. */
export function codeRequest(
  settings: ProviderSettings,
  { code, redirectUri, verifier }: { readonly code: string; readonly redirectUri: string; readonly verifier: string },
): FormParameters {
  return [
    ['grant_type', 'authorization_code'],
    ['code', code],
    ['redirect_uri', redirectUri],
    ['code_verifier', verifier],
    ...settings.resource.map((uri) => ['resource', uri] as const),
  ];
}

/** Where the account's owner is sent (RFC 6749 §4.1.1) with an S256 challenge (RFC 7636 §4.3); members the endpoint already has stay. */
export function authorizeUrl(
  settings: ProviderSettings,
  { state, verifier, redirectUri }: { readonly state: string; readonly verifier: string; readonly redirectUri: string },
): string {
  const url = new URL(settings.text('authorization_endpoint') ?? '');
  const parameters: FormParameters = [
    ...extras(settings),
    ['response_type', 'code'],
    ['client_id', settings.clientId ?? ''],
    ['redirect_uri', redirectUri],
    ...(settings.scope === undefined ? [] : ([['scope', settings.scope]] as const)),
    ...settings.resource.map((uri) => ['resource', uri] as const),
    ['state', state],
    ['code_challenge', createHash('sha256').update(verifier, 'ascii').digest('base64url')],
    ['code_challenge_method', 'S256'],
  ];
  for (const [name, value] of parameters) url.searchParams.append(name, value);
  return url.href;
}

/** RFC 7523 §3: one use, a minute long. */
export function assertionClaims(
  who: { readonly issuer: string; readonly subject: string; readonly audience: string },
  issuedAt: number,
  jti: string,
): JsonObject {
  return { iss: who.issuer, sub: who.subject, aud: who.audience, iat: issuedAt, exp: issuedAt + 60, jti };
}

/** In an `assertion_subject`: the user for whom the work is done, as the user's own issuer calls them. */
export const CALLER = '{subject}';

/** `sub` as the user's own issuer wrote it; undefined for an application. */
export function federatedName({ sub, sub_type }: Pick<TokenClaims, 'sub' | 'sub_type'>): string | undefined {
  if (sub_type !== 'user') return undefined;
  return sub.split(':').slice(2).join(':');
}

/**
 * Whom an exchanged token is for: everything of the mandate that the upstream's server may have made the token of. Two callers that differ in any
 * of it never share a token. One-way.
 */
export function exchangeSubject(claims: TokenClaims, resource: string): string {
  const { sub, client_id, sid, act, dlg, scope, authorization_details } = claims;
  const facts = { sub, client_id, sid, act, dlg, scope, authorization_details, resource };
  const present = Object.fromEntries(Object.entries(facts).filter(([, value]) => value !== undefined)) as JsonObject;
  return `mandate:${createHash('sha256').update(canonicalize(present)).digest('base64url')}`;
}

function targets({ scope, audience, resource }: ProviderSettings): FormParameters {
  return [
    ...(scope === undefined ? [] : ([['scope', scope]] as const)),
    ...audience.map((name) => ['audience', name] as const),
    ...resource.map((uri) => ['resource', uri] as const),
  ];
}

function extras({ params }: ProviderSettings): FormParameters {
  return Object.entries(params);
}
