import { createHash } from 'node:crypto';
import { canonicalize } from '../../../kernel/canonical-json.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../../../kernel/json.js';
import { formatScope, parseScope } from '../../../kernel/scopes.js';

/** The provider kinds whose credential is a token of the upstream's own authorization server. */
export const TOKEN_KINDS = [
  'oauth2_client_credentials',
  'oauth2_jwt_bearer',
  'oauth2_authorization_code',
  'oauth2_token_exchange',
] as const;
export type TokenKind = (typeof TOKEN_KINDS)[number];

export function isTokenKind(kind: string): kind is TokenKind {
  return (TOKEN_KINDS as readonly string[]).includes(kind);
}

/** A provider's configuration as the flows read it. It was judged when it was stored. */
export interface ProviderSettings {
  readonly tokenEndpoint: string;
  readonly clientId: string | undefined;
  readonly authMethod: 'client_secret_basic' | 'client_secret_post' | 'private_key_jwt' | 'none';
  readonly issuer: string | undefined;
  readonly keyId: string | undefined;
  readonly algorithm: string | undefined;
  readonly scope: string | undefined;
  readonly audience: readonly string[];
  readonly resource: readonly string[];
  readonly params: Readonly<Record<string, string>>;
  /** Members of single kinds. */
  readonly text: (name: string) => string | undefined;
}

/** Reads the configuration of a provider of one of the {@link TOKEN_KINDS}. */
export function providerSettings(config: JsonObject): ProviderSettings {
  const text = (name: string): string | undefined => {
    const value = config[name];
    return typeof value === 'string' ? value : undefined;
  };
  return {
    tokenEndpoint: text('token_endpoint') ?? '',
    clientId: text('client_id'),
    authMethod: (text('auth_method') ?? 'none') as ProviderSettings['authMethod'],
    issuer: text('issuer'),
    keyId: text('key_id'),
    algorithm: text('algorithm'),
    scope: text('scope'),
    audience: listOf(config['audience']),
    resource: listOf(config['resource']),
    params: isJsonObject(config['params']) ? (config['params'] as Record<string, string>) : {},
    text,
  };
}

/** The scopes that a provider asks for, one text per set: part of what its tokens are kept under. */
export function scopesOf({ scope }: ProviderSettings): string {
  const scopes = scope === undefined ? undefined : parseScope(scope);
  return scopes ? formatScope(scopes) : '';
}

/**
 * What a token is obtained under: kind, configuration, version of the secret, connection. When any of it changes, tokens obtained before are
 * worth nothing. One-way, so it may be stored and compared.
 */
export function basisOf(
  provider: { readonly kind: string; readonly config: JsonObject; readonly secretVersion: number },
  connection: string | undefined,
): string {
  const facts = {
    kind: provider.kind,
    config: provider.config,
    secret_version: provider.secretVersion,
    connection: connection ?? null,
  };
  return createHash('sha256').update(canonicalize(facts)).digest('base64url');
}

function listOf(value: JsonValue | undefined): readonly string[] {
  if (typeof value === 'string') return [value];
  return Array.isArray(value) ? (value as readonly string[]) : [];
}
