import { Inject, Injectable, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { AppError } from '../../kernel/app-error.js';
import { APP_CONFIG, type AppConfig } from '../../platform/config/index.js';
import {
  bearerChallenge,
  routeAccess,
  setCaller,
  summarize,
  Unauthenticated,
  type Access,
} from '../../platform/http/index.js';
import { AdminTokenView } from '../admin-token-view.js';
import { authorizeAdmin, type AdminVerdict } from '../domain/admin-authorization.js';
import { presentedToken } from '../domain/bearer.js';
import { SYSTEM_ZONE, ZONE_DIRECTORY, type ZoneDirectory } from '../ports.js';
import type { AdminPrincipal } from '../principals.js';
import { CredentialGuard, registerStrategy } from './credential-strategy.js';
import { requestZone } from './request-zone.js';
import { ScrapeAccess } from './scrape-access.js';

type AdminAccess = Extract<Access, { kind: 'admin' }>;

const REALM = 'caracal administration';
const READING: ReadonlySet<string> = new Set(['GET', 'HEAD']);

/** Authenticates an admin token, then judges zone and capability. */
@Injectable()
export class AdminGuard extends CredentialGuard {
  constructor(
    private readonly tokens: AdminTokenView,
    @Inject(ZONE_DIRECTORY) private readonly zones: ZoneDirectory,
    @Inject(APP_CONFIG) config: AppConfig,
  ) {
    super(registerStrategy('admin', (request) => authenticateAdmin(tokens, request)));
    this.scrape = new ScrapeAccess(config);
  }

  private readonly scrape: ScrapeAccess;

  override async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<FastifyRequest & { user?: AdminPrincipal }>();
    const access = routeAccess(request) as AdminAccess;
    if (access.scrape && this.scrape.isOpen(request)) return true;
    await super.canActivate(context);
    await this.authorize(request, request.user as AdminPrincipal, access);
    return true;
  }

  private async authorize(request: FastifyRequest, principal: AdminPrincipal, access: AdminAccess): Promise<void> {
    const slug = requestZone(request);
    summarize(request, { principal: principal.id, zone: slug });
    const verdict = await this.verdict(request, principal, access);
    if (verdict !== 'allowed') throw refusalOf(verdict);
    // The token of the secret file ends with the process.
    const stands = principal.bootstrap ? {} : { stands: () => this.stands(request, access) };
    setCaller(request, { id: `admin:${principal.id}`, zone: slug ?? SYSTEM_ZONE, ...stands });
  }

  private async stands(request: FastifyRequest, access: AdminAccess): Promise<boolean> {
    const principal = await authenticateAdmin(this.tokens, request);
    return (await this.verdict(request, principal, access)) === 'allowed';
  }

  private async verdict(
    request: FastifyRequest,
    principal: AdminPrincipal,
    access: AdminAccess,
  ): Promise<AdminVerdict> {
    const slug = requestZone(request);
    const zone = slug === undefined ? {} : { zone: { slug, status: await this.zones.status(slug) } };
    return authorizeAdmin(principal, {
      capability: access.capability,
      also: access.also,
      zoneBound: access.zoneBound ?? false,
      reading: READING.has(request.method),
      pattern: request.routeOptions.url ?? '',
      ...zone,
    });
  }
}

async function authenticateAdmin(tokens: AdminTokenView, request: FastifyRequest): Promise<AdminPrincipal> {
  const presented = presentedToken(request.raw.rawHeaders);
  if (presented.kind === 'none') throw new Unauthenticated([bearerChallenge({ realm: REALM })], 'no token');
  const found =
    presented.kind === 'token' && presented.scheme === 'bearer'
      ? await tokens.find(presented.token, request.ip)
      : 'unusable credentials';
  if (typeof found !== 'string') return found;
  throw new Unauthenticated([bearerChallenge({ realm: REALM, error: 'invalid_token' })], found);
}

function refusalOf(verdict: Exclude<AdminVerdict, 'allowed'>): AppError {
  switch (verdict) {
    case 'not_found':
      return new AppError('not_found', 'There is no such zone.');
    case 'insufficient_capability':
      return new AppError('insufficient_capability', 'The token does not allow this.');
    case 'archived':
      return new AppError('conflict', 'The zone is archived and can only be read.');
  }
}
