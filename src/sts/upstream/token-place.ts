import type { JsonObject } from '../../kernel/json.js';
import type { TokenClaims } from '../../auth/index.js';
import type { ProviderView } from '../../control/index.js';
import { basisOf, providerSettings, type ProviderSettings, scopesOf } from '../domain/upstream/provider-settings.js';
import type { TokenKey } from '../persistence/upstream-tokens.js';

/** For whom a token is needed. */
export interface UpstreamCaller {
  readonly claims: TokenClaims;
  /** Identifier of the resource that is called. */
  readonly resource: string;
  /** The caller's authority as a token for the upstream's own server (RFC 8693 `subject_token`). */
  readonly subjectToken: (audience: string) => Promise<string>;
}

/** A provider made ready: a view is replaced whenever its provider changes. */
export interface ReadyProvider {
  readonly view: ProviderView;
  readonly settings: ProviderSettings;
  readonly scopes: string;
  /** Of tokens that need no connection. */
  readonly basis: string;
}

/** Where a token is kept and how another one is had. */
export interface TokenPlace {
  readonly zone: string;
  readonly provider: ReadyProvider;
  readonly key: TokenKey;
  readonly secret: () => JsonObject;
  readonly caller: UpstreamCaller;
}

const ready = new WeakMap<ProviderView, ReadyProvider>();

export function readyProvider(view: ProviderView): ReadyProvider {
  const known = ready.get(view);
  if (known) return known;
  const settings = providerSettings(view.config);
  const made = { view, settings, scopes: scopesOf(settings), basis: basisOf(view, undefined) };
  ready.set(view, made);
  return made;
}

/** One text per place, for maps. */
export function placeKey({ zone, key }: Pick<TokenPlace, 'zone' | 'key'>): string {
  return JSON.stringify([zone, key.provider, key.subject, key.scopes, key.basis]);
}
