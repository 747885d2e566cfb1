import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { AppError } from '../kernel/app-error.js';
import { requestFacts, type Capability, type RequestFacts } from '../platform/http/index.js';
import type { VerifiedToken } from './token-verifier.js';

/** An agent that administers, for the evidence. */
export interface AdministeringAgent {
  readonly jti: string;
  readonly session?: string | undefined;
}

/** An administrator, as the admin token says. */
export interface AdminPrincipal {
  readonly kind: 'admin';
  /** The token's id. */
  readonly id: string;
  readonly name: string;
  /** Who stands behind it: what was said when it was made, else the first token of its line of rotations. One person may hold several. */
  readonly person: string;
  readonly capabilities: ReadonlySet<Capability>;
  /** The zones the token is bound to; undefined for a global token. */
  readonly zones?: ReadonlySet<string>;
  /** True for the token of the secret file alone. */
  readonly bootstrap: boolean;
  /** Set when an agent administers through control invoke: then `id` is its application. */
  readonly agent?: AdministeringAgent;
}

/** An application or one of its sessions, as its token says. */
export interface RuntimePrincipal {
  readonly kind: 'runtime';
  readonly token: VerifiedToken;
  /** Thumbprint of the key whose holder made the request; undefined without a proof (RFC 9449 §4.3). */
  readonly provenKey?: string | undefined;
  /** Its session is suspended: it may be read, resumed and terminated, nothing else. */
  readonly suspended: boolean;
}

/** An agent that administers, as its control token says. */
export interface ControlPrincipal {
  readonly kind: 'control';
  readonly zone: string;
  readonly token: VerifiedToken;
}

export type Principal = AdminPrincipal | RuntimePrincipal | ControlPrincipal;

/** Injects the {@link AdminPrincipal} of a route with `@AdminAccess`. */
export const Admin = createParamDecorator((_: unknown, context: ExecutionContext) => principalOf(context, 'admin'));

/** Injects the {@link RuntimePrincipal} of a route with `@RuntimeAccess`. */
export const Runtime = createParamDecorator((_: unknown, context: ExecutionContext) => principalOf(context, 'runtime'));

/** Who asks for a change, and in which request: what the ledger entry of an administrative change needs. */
export interface AdminRequest {
  readonly admin: AdminPrincipal;
  readonly facts: RequestFacts;
}

/** Injects the {@link AdminRequest} of a route with `@AdminAccess`. */
export const AdminCall = createParamDecorator((_: unknown, context: ExecutionContext): AdminRequest => ({
  admin: principalOf(context, 'admin') as AdminPrincipal,
  facts: requestFacts(context.switchToHttp().getRequest<FastifyRequest>()),
}));

/** Throws `not_found` unless the token may see the zone: a foreign zone and a missing one look alike. */
export function assertZone(principal: AdminPrincipal, zone: string): void {
  if (principal.zones && !principal.zones.has(zone)) throw new AppError('not_found', 'There is no such zone.');
}

function principalOf(context: ExecutionContext, kind: Principal['kind']): Principal {
  const { user } = context.switchToHttp().getRequest<FastifyRequest & { user?: Principal }>();
  if (user?.kind !== kind) throw new Error(`the route has no ${kind} principal`);
  return user;
}
