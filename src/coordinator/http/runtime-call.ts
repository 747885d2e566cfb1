import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { RuntimePrincipal } from '../../auth/index.js';
import { requestFacts } from '../../platform/http/index.js';
import type { RuntimeCall } from '../sessions/runtime-call.js';

/** Injects who calls, by the verified token, into a handler with `@RuntimeAccess`. */
export const Caller = createParamDecorator((_: unknown, context: ExecutionContext): RuntimeCall => {
  const request = context.switchToHttp().getRequest<FastifyRequest & { user?: RuntimePrincipal }>();
  if (request.user?.kind !== 'runtime') throw new Error('the route has no runtime caller');
  const { token, provenKey } = request.user;
  return { zone: token.claims.zone, claims: token.claims, provenKey, origin: requestFacts(request) };
});
