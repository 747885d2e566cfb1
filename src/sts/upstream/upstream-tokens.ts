import { Inject, Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { CLOCK, type Clock } from '../../kernel/clock.js';
import { ProviderSecrets, type ProviderView } from '../../control/index.js';
import { basisOf, isTokenKind } from '../domain/upstream/provider-settings.js';
import { CALLER, exchangeSubject, federatedName } from '../domain/upstream/token-request.js';
import { isFresh } from '../domain/upstream/token-row.js';
import type { Serving } from '../persistence/connection-rows.js';
import { ConnectionIndex } from './connection-index.js';
import { placeKey, readyProvider, type ReadyProvider, type TokenPlace, type UpstreamCaller } from './token-place.js';
import { TokenRenewal } from './token-renewal.js';
import { UpstreamTokenError } from './upstream-token-error.js';

/** An access token of an upstream; the same object as long as it is the same token. */
export interface UpstreamToken {
  readonly value: string;
}

interface Cached {
  readonly token: UpstreamToken;
  readonly generation: number;
  /** On the monotonic clock; undefined when it does not expire. */
  readonly expiresAt: number | undefined;
  readonly zone: string;
  readonly connection: string | undefined;
}

/** Whose token it is and what it is obtained under. */
interface Owner {
  readonly subject: string;
  readonly connection: string | undefined;
  readonly basis: string;
}

const MOST_TOKENS = 65_536;
/** An upstream that refuses every token must not make us renew at every call. */
const BETWEEN_EVICTIONS_MS = 5_000;

/**
 * The tokens that calls to upstreams carry, one per (zone, provider, subject, scopes). A warm answer reads no database; a cold one is asked for
 * once per process and, by a lease, once over all of them.
 */
@Injectable()
export class UpstreamTokens {
  private readonly cache = new LRUCache<string, Cached>({ max: MOST_TOKENS });
  private readonly flights = new Map<string, Promise<UpstreamToken>>();
  private readonly evictions = new LRUCache<string, number>({ max: MOST_TOKENS });
  private readonly moves = new Map<string, number>();
  /** Worked out once per connection and version of its provider. */
  private readonly bases = new WeakMap<Serving, { readonly view: ProviderView; readonly basis: string }>();

  constructor(
    private readonly renewal: TokenRenewal,
    private readonly connections: ConnectionIndex,
    private readonly secrets: ProviderSecrets,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {
    connections.onChanged((zone) => this.forgetConnected(zone));
  }

  /** The token for this caller. Throws {@link UpstreamTokenError} when there is none: then nothing may be sent. */
  async of(provider: ProviderView, caller: UpstreamCaller): Promise<UpstreamToken> {
    return this.at(await this.place(provider, caller));
  }

  /**
   * Another token in place of one that the upstream refused; undefined when there is none to be had, or when one was refused only a moment ago,
   * because then the token is not what is wrong.
   */
  async after(
    provider: ProviderView,
    caller: UpstreamCaller,
    refused: UpstreamToken,
  ): Promise<UpstreamToken | undefined> {
    const place = await this.place(provider, caller);
    const key = placeKey(place);
    const held = this.cache.get(key);
    if (held?.token === refused) {
      const last = this.evictions.get(key);
      if (last !== undefined && this.clock.monotonic() - last < BETWEEN_EVICTIONS_MS) return undefined;
      this.evictions.set(key, this.clock.monotonic());
      this.cache.delete(key);
      await this.renewal.evict(place, held.generation);
    }
    const token = await this.at(place);
    return token.value === refused.value ? undefined : token;
  }

  private at(place: TokenPlace): Promise<UpstreamToken> | UpstreamToken {
    const key = placeKey(place);
    const held = this.cache.get(key);
    if (held && isFresh(held.expiresAt, this.clock.monotonic())) return held.token;
    const running = this.flights.get(key);
    if (running) return running;
    const flight = this.fetch(key, place).finally(() => this.flights.delete(key));
    this.flights.set(key, flight);
    return flight;
  }

  private async fetch(key: string, place: TokenPlace): Promise<UpstreamToken> {
    const before = this.moves.get(place.zone);
    const { value, generation, remainingMs } = await this.renewal.obtain(place);
    const known = this.cache.get(key);
    const token = known?.token.value === value ? known.token : { value };
    const expiresAt = remainingMs === undefined ? undefined : this.clock.monotonic() + remainingMs;
    // What was read while connections changed may be of one that has ended: it serves this call, the next one looks again.
    if (place.key.connection === undefined || this.moves.get(place.zone) === before)
      this.cache.set(key, { token, generation, expiresAt, zone: place.zone, connection: place.key.connection });
    return token;
  }

  private async place(view: ProviderView, caller: UpstreamCaller): Promise<TokenPlace> {
    if (!isTokenKind(view.kind)) throw new UpstreamTokenError('unknown_kind');
    const provider = readyProvider(view);
    const { zone } = caller.claims;
    const { subject, connection, basis } = await this.owner(provider, caller);
    return {
      zone,
      provider,
      key: { provider: view.id, subject, scopes: provider.scopes, basis, connection },
      secret: () => this.open(zone, view),
      caller,
    };
  }

  /** Whose token it is. Two subjects never share one, unless the provider has one account for all. */
  private async owner(provider: ReadyProvider, { claims, resource }: UpstreamCaller): Promise<Owner> {
    const { view, settings, basis } = provider;
    if (view.kind === 'oauth2_token_exchange')
      return { subject: exchangeSubject(claims, resource), connection: undefined, basis };
    if (view.kind === 'oauth2_authorization_code') {
      const serving = await this.connections.serving(claims.zone, view.id, claims.sub);
      if (serving?.status !== 'active') throw new UpstreamTokenError(`connection_${serving?.status ?? 'missing'}`);
      return { subject: serving.subject, connection: serving.id, basis: this.basisOf(view, serving) };
    }
    if (settings.text('assertion_subject') !== CALLER) return { subject: '', connection: undefined, basis };
    if (federatedName(claims) === undefined) throw new UpstreamTokenError('no_user');
    return { subject: claims.sub, connection: undefined, basis };
  }

  private basisOf(view: ProviderView, serving: Serving): string {
    const known = this.bases.get(serving);
    if (known?.view === view) return known.basis;
    const basis = basisOf(view, serving.id);
    this.bases.set(serving, { view, basis });
    return basis;
  }

  private open(zone: string, view: ProviderView): ReturnType<ProviderSecrets['open']> {
    try {
      return this.secrets.open(zone, view);
    } catch (cause) {
      throw new UpstreamTokenError('the secret does not open', { cause });
    }
  }

  private forgetConnected(zone: string): void {
    this.moves.set(zone, (this.moves.get(zone) ?? 0) + 1);
    for (const [key, held] of [...this.cache.entries()])
      if (held.zone === zone && held.connection !== undefined) this.cache.delete(key);
  }
}
