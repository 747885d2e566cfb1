import { Inject, Injectable, type ExecutionContext } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { AppError } from '../../kernel/app-error.js';
import { ChangeFeed } from '../../platform/changes/index.js';
import { bearerChallenge, setCaller, summarize, Unauthenticated } from '../../platform/http/index.js';
import { PublicUrls } from '../../platform/urls/index.js';
import { presentedToken } from '../domain/bearer.js';
import { type PresentedRuntimeToken, RuntimeProofs } from '../dpop/runtime-proofs.js';
import { TokenError } from '../domain/token-error.js';
import { SYSTEM_ZONE, TOKEN_STATUS, ZONE_DIRECTORY, type TokenStatus, type ZoneDirectory } from '../ports.js';
import type { RuntimePrincipal } from '../principals.js';
import { TokenVerifier } from '../token-verifier.js';
import { CredentialGuard, registerStrategy } from './credential-strategy.js';
import { requestZone } from './request-zone.js';

/** Authenticates a live application or session token of the zone in the path. */
@Injectable()
export class RuntimeGuard extends CredentialGuard {
  constructor(
    private readonly verifier: TokenVerifier,
    private readonly urls: PublicUrls,
    private readonly feed: ChangeFeed,
    private readonly proofs: RuntimeProofs,
    @Inject(TOKEN_STATUS) private readonly statuses: TokenStatus,
    @Inject(ZONE_DIRECTORY) private readonly zones: ZoneDirectory,
  ) {
    super(registerStrategy('runtime', (request) => this.authenticate(request)));
  }

  override async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<FastifyRequest & { user?: RuntimePrincipal }>();
    const nonce = await this.proofs.nonce(requestZone(request) ?? '');
    if (nonce !== undefined) void context.switchToHttp().getResponse<FastifyReply>().header('dpop-nonce', nonce);
    await super.canActivate(context);
    const { claims } = (request.user as RuntimePrincipal).token;
    const id = claims.sid ?? claims.client_id;
    summarize(request, { principal: id, zone: claims.zone });
    setCaller(request, { id, zone: claims.zone });
    return true;
  }

  private async authenticate(request: FastifyRequest): Promise<RuntimePrincipal> {
    const zone = requestZone(request) ?? '';
    const status = zone === SYSTEM_ZONE ? undefined : await this.zones.status(zone);
    if (status === undefined || status === 'archived') throw new AppError('not_found', 'There is no such zone.');
    const { token, scheme } = await this.verify(request, zone);
    this.feed.assertFresh();
    const verdict = status === 'killed' ? 'revoked' : await this.statuses.check(zone, token.claims);
    if (verdict === 'revoked') throw this.refusal(zone, 'the token is revoked');
    const provenKey = await this.proofs.prove(request, { zone, token, scheme });
    return { kind: 'runtime', token, suspended: verdict === 'suspended', provenKey };
  }

  private async verify(
    request: FastifyRequest,
    zone: string,
  ): Promise<Pick<PresentedRuntimeToken, 'token' | 'scheme'>> {
    const presented = presentedToken(request.raw.rawHeaders);
    if (presented.kind === 'none') {
      throw new Unauthenticated([bearerChallenge({ realm: this.urls.issuer(zone) })], 'no token');
    }
    if (presented.kind === 'unusable') throw this.refusal(zone, presented.reason);
    try {
      const token = await this.verifier.verify(presented.token, { zone, classes: ['application', 'session'] });
      return { token, scheme: presented.scheme };
    } catch (error) {
      throw error instanceof TokenError ? this.refusal(zone, error.message) : error;
    }
  }

  private refusal(zone: string, reason: string): Unauthenticated {
    return new Unauthenticated([bearerChallenge({ realm: this.urls.issuer(zone), error: 'invalid_token' })], reason);
  }
}
