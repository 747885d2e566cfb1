import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { AdminPrincipal } from '../../auth/index.js';
import { conditionalParam, requestFacts, requireIfMatch, type Precondition } from '../../platform/http/index.js';
import type { AdminCall } from '../admin-changes.js';

/** Injects who administers and from where into a handler with `@AdminAccess`. */
export const Call = createParamDecorator((_: unknown, context: ExecutionContext): AdminCall =>
  callOf(requestOf(context)),
);

/** A call that changes one object it has read. */
export interface ObjectChange {
  readonly call: AdminCall;
  readonly zone: string;
  /** Empty where the zone itself is the object. */
  readonly id: string;
  readonly condition: Precondition;
}

/** Injects the {@link ObjectChange} of a route with `:zone` and, but for zones, `:id`; refuses with 428 without `If-Match`. */
export const Change = conditionalParam((_, context): ObjectChange => {
  const request = requestOf(context);
  const { zone = '', id = '' } = request.params as { zone?: string; id?: string };
  return { call: callOf(request), zone, id, condition: requireIfMatch(request) };
});

type AdminRequest = FastifyRequest & { readonly user?: AdminPrincipal };

function requestOf(context: ExecutionContext): AdminRequest {
  return context.switchToHttp().getRequest<AdminRequest>();
}

function callOf(request: AdminRequest): AdminCall {
  if (request.user?.kind !== 'admin') throw new Error('the route has no administrator');
  return { actor: request.user, origin: requestFacts(request) };
}
