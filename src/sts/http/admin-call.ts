import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { AdminPrincipal } from '../../auth/index.js';
import type { AdminRuntimeCall } from '../../coordinator/index.js';
import { requestFacts } from '../../platform/http/index.js';

type AdminRequest = FastifyRequest<{ Params: { zone: string } }> & { user?: AdminPrincipal };

/** Injects who administers which zone, and from where, into a handler with `@AdminAccess`. */
export const Administrator = createParamDecorator((_: unknown, context: ExecutionContext): AdminRuntimeCall => {
  const request = context.switchToHttp().getRequest<AdminRequest>();
  if (request.user?.kind !== 'admin') throw new Error('the route has no administrator');
  return { zone: request.params.zone, admin: request.user, origin: requestFacts(request) };
});
