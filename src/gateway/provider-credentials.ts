import { Inject, Injectable } from '@nestjs/common';
import { type TokenClaims, TokenSigner } from '../auth/index.js';
import { ProviderSecrets, type ProviderView } from '../control/index.js';
import { CLOCK, type Clock } from '../kernel/clock.js';
import type { JsonObject } from '../kernel/json.js';
import { epochSeconds } from '../kernel/times.js';
import { newUuid } from '../platform/ids/index.js';
import {
  isTokenKind,
  type UpstreamCaller,
  type UpstreamToken,
  UpstreamTokenError,
  UpstreamTokens,
} from '../sts/index.js';
import type { Binding } from './bindings.js';
import { bearerCredential, type Credential, NO_CREDENTIAL, staticCredential } from './domain/credential.js';
import { type EchoForms, echoForms, NO_ECHO } from './domain/echo-forms.js';
import { GatewayError } from './domain/gateway-error.js';
import type { BodyHold } from './http/held-body.js';
import { type AwsCredential, type RequestToSign, type SignedRequest, signRequest } from './upstream/sigv4.js';

/** A credential and what must not come back of it. */
export interface InjectedCredential {
  readonly credential: Credential;
  readonly echo: EchoForms;
  /** Which bodies the credential needs to know, or to be able to send again. */
  readonly hold?: BodyHold;
  /** Makes the credential of what is really sent. */
  readonly sign?: (request: RequestToSign) => SignedRequest;
  /** Another credential after the upstream refused this one; undefined when there is none. Never rejects. */
  readonly renew?: () => Promise<InjectedCredential | undefined>;
}

const UPSTREAM_SECONDS = 60;
const MOST_PARENTS = 8;
/** The one service that takes payloads whose hash it was not told. */
const UNSIGNED_SERVICE = 's3';
const NOTHING: InjectedCredential = { credential: NO_CREDENTIAL, echo: NO_ECHO };

/** Obtains what the upstream wants to see. Without it nothing is sent. */
@Injectable()
export class ProviderCredentials {
  /** A provider's view is replaced whenever it changes, so its credential is made once per version. */
  private readonly made = new WeakMap<ProviderView, InjectedCredential>();
  /** A token's object lasts as long as the token, so what would give it away is worked out once. */
  private readonly carried = new WeakMap<UpstreamToken, InjectedCredential>();

  constructor(
    private readonly secrets: ProviderSecrets,
    private readonly signer: TokenSigner,
    private readonly tokens: UpstreamTokens,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** Throws `credential_unavailable`. */
  async of(binding: Binding, claims: TokenClaims): Promise<InjectedCredential> {
    const { resource, provider } = binding;
    if (resource.provider === undefined) return NOTHING;
    if (provider?.status !== 'active') throw unavailable('the provider is archived');
    // Seen when the resource was registered; seen again where it counts.
    if (provider.boundOrigin !== undefined && provider.boundOrigin !== binding.rules.upstreamOrigin)
      throw unavailable('the credential is bound to another origin');
    if (provider.kind === 'mandate') return this.mandate(resource.identifier, claims);
    return isTokenKind(provider.kind) ? this.obtained(binding, provider, claims) : this.fixed(claims.zone, provider);
  }

  private fixed(zone: string, provider: ProviderView): InjectedCredential {
    const known = this.made.get(provider);
    if (known) return known;
    const made = this.make(provider, this.open(zone, provider));
    this.made.set(provider, made);
    return made;
  }

  private make(provider: ProviderView, secret: JsonObject): InjectedCredential {
    // The client certificate is the connection's, not the request's.
    if (provider.kind === 'mtls') return NOTHING;
    if (provider.kind === 'aws_sigv4') return this.signing(awsCredential(provider.config, secret));
    const verdict = staticCredential(provider.kind, provider.config, secret);
    if ('unavailable' in verdict) throw unavailable(verdict.unavailable);
    return { credential: verdict.credential, echo: echoForms(verdict.credential.secrets) };
  }

  private signing(aws: AwsCredential): InjectedCredential {
    return {
      ...NOTHING,
      hold: aws.service === UNSIGNED_SERVICE ? 'small' : 'whole',
      sign: (request) => signRequest(request, aws, this.clock.now()),
    };
  }

  private async obtained(binding: Binding, provider: ProviderView, claims: TokenClaims): Promise<InjectedCredential> {
    const caller: UpstreamCaller = {
      claims,
      resource: binding.resource.identifier,
      subjectToken: (audience) => this.signed(audience, claims),
    };
    const token = await this.tokens.of(provider, caller).catch((cause: unknown) => {
      throw cause instanceof UpstreamTokenError ? unavailable(cause.detail, cause) : cause;
    });
    const renew = async (): Promise<InjectedCredential | undefined> => {
      const next = await this.tokens.after(provider, caller, token).catch(() => undefined);
      return next && this.carry(next);
    };
    return { ...this.carry(token), hold: 'small', renew };
  }

  private carry(token: UpstreamToken): InjectedCredential {
    const known = this.carried.get(token);
    if (known) return known;
    const made = { credential: bearerCredential(token.value), echo: echoForms([token.value]) };
    this.carried.set(token, made);
    return made;
  }

  private open(zone: string, provider: ProviderView): JsonObject {
    try {
      return this.secrets.open(zone, provider);
    } catch (cause) {
      throw unavailable('the secret does not open', cause);
    }
  }

  private async mandate(identifier: string, claims: TokenClaims): Promise<InjectedCredential> {
    const token = await this.signed(identifier, claims);
    return { credential: bearerCredential(token), echo: echoForms([token]) };
  }

  private signed(audience: string, claims: TokenClaims): Promise<string> {
    return this.signer.sign(claims.zone, 'upstream', this.upstreamClaims(audience, claims)).catch((cause: unknown) => {
      throw unavailable('the upstream mandate was not signed', cause);
    });
  }

  /** The caller's authority under a fresh `jti`, for the upstream alone, never longer than what was presented. */
  private upstreamClaims(audience: string, claims: TokenClaims): TokenClaims {
    const issuedAt = epochSeconds(this.clock.now());
    const parents = [...new Set([claims.jti, ...(claims.ptk ?? [])])];
    if (parents.length > MOST_PARENTS) throw unavailable('more ancestors than a token can name');
    const { cnf: _key, ...kept } = claims;
    return {
      ...kept,
      aud: audience,
      iat: issuedAt,
      nbf: issuedAt,
      exp: Math.min(claims.exp, issuedAt + UPSTREAM_SECONDS),
      jti: newUuid(),
      ptk: parents,
    };
  }
}

function unavailable(detail: string, cause?: unknown): GatewayError {
  return new GatewayError('credential_unavailable', { detail, ...(cause === undefined ? {} : { cause }) });
}

function awsCredential(config: JsonObject, secret: JsonObject): AwsCredential {
  const text = (value: unknown): string => (typeof value === 'string' ? value : '');
  return {
    region: text(config['region']),
    service: text(config['service']),
    accessKeyId: text(config['access_key_id'] ?? secret['access_key_id']),
    secretAccessKey: text(secret['secret_access_key']),
    sessionToken: typeof secret['session_token'] === 'string' ? secret['session_token'] : undefined,
  };
}
