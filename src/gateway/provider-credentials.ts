import { Inject, Injectable } from '@nestjs/common';
import { type TokenClaims, TokenSigner } from '../auth/index.js';
import { ProviderSecrets, type ProviderView } from '../control/index.js';
import { CLOCK, type Clock } from '../kernel/clock.js';
import { epochSeconds } from '../kernel/times.js';
import { newUuid } from '../platform/ids/index.js';
import type { Binding } from './bindings.js';
import { bearerCredential, type Credential, NO_CREDENTIAL, staticCredential } from './domain/credential.js';
import { type EchoForms, echoForms, NO_ECHO } from './domain/echo-forms.js';
import { GatewayError } from './domain/gateway-error.js';

/** A credential and what must not come back of it. */
export interface InjectedCredential {
  readonly credential: Credential;
  readonly echo: EchoForms;
}

const UPSTREAM_SECONDS = 60;
const MOST_PARENTS = 8;
const NOTHING: InjectedCredential = { credential: NO_CREDENTIAL, echo: NO_ECHO };

/** Obtains what the upstream wants to see. Without it nothing is sent. */
@Injectable()
export class ProviderCredentials {
  /** A provider's view is replaced whenever it changes, so its credential is made once per version. */
  private readonly made = new WeakMap<ProviderView, InjectedCredential>();

  constructor(
    private readonly secrets: ProviderSecrets,
    private readonly signer: TokenSigner,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** Throws `credential_unavailable`. Kinds that obtain tokens elsewhere have their place in the switch. */
  async of(binding: Binding, claims: TokenClaims): Promise<InjectedCredential> {
    const { resource, provider } = binding;
    if (resource.provider === undefined) return NOTHING;
    if (provider?.status !== 'active')
      throw new GatewayError('credential_unavailable', { detail: 'the provider is archived' });
    switch (provider.kind) {
      case 'mandate':
        return this.mandate(resource.identifier, claims);
      default:
        return this.fixed(claims.zone, provider);
    }
  }

  private fixed(zone: string, provider: ProviderView): InjectedCredential {
    const known = this.made.get(provider);
    if (known) return known;
    const verdict = staticCredential(provider.kind, provider.config, this.open(zone, provider));
    if ('unavailable' in verdict) throw new GatewayError('credential_unavailable', { detail: verdict.unavailable });
    const made = { credential: verdict.credential, echo: echoForms(verdict.credential.secrets) };
    this.made.set(provider, made);
    return made;
  }

  private open(zone: string, provider: ProviderView): Readonly<Record<string, unknown>> {
    try {
      return this.secrets.open(zone, provider);
    } catch (cause) {
      throw new GatewayError('credential_unavailable', { detail: 'the secret does not open', cause });
    }
  }

  private async mandate(identifier: string, claims: TokenClaims): Promise<InjectedCredential> {
    const token = await this.signer
      .sign(claims.zone, 'upstream', this.upstreamClaims(identifier, claims))
      .catch((cause: unknown) => {
        throw new GatewayError('credential_unavailable', { detail: 'the upstream mandate was not signed', cause });
      });
    return { credential: bearerCredential(token), echo: echoForms([token]) };
  }

  /** The caller's authority under a fresh `jti`, for the upstream alone, never longer than what was presented. */
  private upstreamClaims(identifier: string, claims: TokenClaims): TokenClaims {
    const issuedAt = epochSeconds(this.clock.now());
    const parents = [...new Set([claims.jti, ...(claims.ptk ?? [])])];
    if (parents.length > MOST_PARENTS)
      throw new GatewayError('credential_unavailable', { detail: 'more ancestors than a token can name' });
    const { cnf: _key, ...kept } = claims;
    return {
      ...kept,
      aud: identifier,
      iat: issuedAt,
      nbf: issuedAt,
      exp: Math.min(claims.exp, issuedAt + UPSTREAM_SECONDS),
      jti: newUuid(),
      ptk: parents,
    };
  }
}
