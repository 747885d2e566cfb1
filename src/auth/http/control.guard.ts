import { Injectable, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { AuditLedger } from '../../audit/index.js';
import { AppError } from '../../kernel/app-error.js';
import { decodeObject, splitCompact } from '../../kernel/jose/compact.js';
import { ChangeFeed } from '../../platform/changes/index.js';
import {
  bearerChallenge,
  requestFacts,
  routeAccess,
  setCaller,
  summarize,
  Unauthenticated,
  type Access,
} from '../../platform/http/index.js';
import { PublicUrls } from '../../platform/urls/index.js';
import { AdminTokenView } from '../admin-token-view.js';
import { authorizeAdmin } from '../domain/admin-authorization.js';
import { presentedToken } from '../domain/bearer.js';
import { TOKEN_PROFILES } from '../domain/token-profile.js';
import { TokenError } from '../domain/token-error.js';
import { RuntimeProofs } from '../dpop/runtime-proofs.js';
import { SYSTEM_ZONE, type TokenStatus, type ZoneDirectory } from '../ports.js';
import type { AdminPrincipal, ControlPrincipal } from '../principals.js';
import { TokenVerifier, type VerifiedToken } from '../token-verifier.js';
import { CredentialGuard, registerStrategy } from './credential-strategy.js';

type ControlAccess = Extract<Access, { kind: 'control' }>;
type Request = FastifyRequest & { user?: ControlPrincipal | AdminPrincipal };

const ADMIN_TOKEN = /^cat_/;
const CLAIMS_DEPTH = 16;

/** Authenticates a control token, of whatever zone it says it is, or an admin token where the route takes one. */
@Injectable()
export class ControlGuard extends CredentialGuard {
  constructor(
    private readonly verifier: TokenVerifier,
    private readonly urls: PublicUrls,
    private readonly feed: ChangeFeed,
    private readonly proofs: RuntimeProofs,
    private readonly parts: ControlGuardParts,
  ) {
    super(registerStrategy('control', (request) => this.authenticate(request)));
  }

  override async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<Request>();
    await super.canActivate(context);
    const principal = request.user as ControlPrincipal | AdminPrincipal;
    const { id, zone } =
      principal.kind === 'admin'
        ? { id: `admin:${principal.id}`, zone: SYSTEM_ZONE }
        : { id: principal.token.claims.client_id, zone: principal.zone };
    summarize(request, { principal: id, zone });
    setCaller(request, { id, zone });
    return true;
  }

  private async authenticate(request: FastifyRequest): Promise<ControlPrincipal | AdminPrincipal> {
    const presented = presentedToken(request.raw.rawHeaders, TOKEN_PROFILES.control.maxBytes);
    if (presented.kind === 'none') throw new Unauthenticated([bearerChallenge({ realm: this.realm })], 'no token');
    if (presented.kind === 'unusable') throw this.refusal(presented.reason);
    const { token, scheme } = presented;
    if (ADMIN_TOKEN.test(token)) return this.administrator(request, token);
    const zone = zoneOf(token);
    // The slug comes from the token itself and is trusted for nothing: it only says under which zone's keys the token must verify.
    const status = zone === undefined || zone === SYSTEM_ZONE ? undefined : await this.parts.zones.status(zone);
    if (zone === undefined || status === undefined) throw this.refusal('of no zone');
    const verified = await this.verify(request, token, zone);
    this.feed.assertFresh();
    const verdict = status === 'active' ? await this.parts.statuses.check(zone, verified.claims) : 'revoked';
    if (verdict !== 'active') throw await this.recorded(request, zone, `the token is ${verdict}`);
    await this.proofs.prove(request, { zone, token: verified, scheme });
    return { kind: 'control', zone, token: verified };
  }

  private async verify(request: FastifyRequest, token: string, zone: string): Promise<VerifiedToken> {
    try {
      return await this.verifier.verify(token, { zone, classes: ['control'], audience: this.urls.controlInvoke() });
    } catch (error) {
      throw error instanceof TokenError ? await this.recorded(request, zone, error.message) : error;
    }
  }

  private async administrator(request: FastifyRequest, token: string): Promise<AdminPrincipal> {
    const { administrators } = routeAccess(request) as ControlAccess;
    const found =
      administrators === undefined ? 'admin tokens do not invoke' : await this.parts.admins.find(token, request.ip);
    if (typeof found === 'string') throw this.refusal(found);
    const route = { capability: administrators ?? 'bootstrap', zoneBound: true, reading: true, pattern: '' };
    if (authorizeAdmin(found, route) !== 'allowed')
      throw new AppError('insufficient_capability', 'The token does not allow this.');
    return found;
  }

  /** A refusal that is in the ledger of the zone it was tried at; abusive repetition is counted there. */
  private async recorded(request: FastifyRequest, zone: string, reason: string): Promise<Unauthenticated> {
    const { requestId, traceId, address, userAgent } = requestFacts(request);
    await this.parts.ledger.refusal({
      type: 'control.invoke',
      zone,
      occurredAt: this.parts.now(),
      requestId,
      traceId,
      actor: { kind: 'agent' },
      decision: 'deny',
      reasons: ['invalid_token'],
      client: { address, user_agent: userAgent },
    });
    return this.refusal(reason);
  }

  private refusal(reason: string): Unauthenticated {
    return new Unauthenticated([bearerChallenge({ realm: this.realm, error: 'invalid_token' })], reason);
  }

  private get realm(): string {
    return this.urls.controlInvoke();
  }
}

/** What the guard asks beside the token itself. */
export interface ControlGuardParts {
  readonly admins: AdminTokenView;
  readonly statuses: TokenStatus;
  readonly zones: ZoneDirectory;
  readonly ledger: AuditLedger;
  readonly now: () => number;
}

function zoneOf(token: string): string | undefined {
  const parts = splitCompact(token, TOKEN_PROFILES.control.maxBytes);
  const zone = parts && decodeObject(parts.payload, CLAIMS_DEPTH)?.['zone'];
  return typeof zone === 'string' ? zone : undefined;
}
