import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { AdminPrincipal, ControlPrincipal } from '../../auth/index.js';

/** Injects the {@link ControlPrincipal} or, where the route takes one, the {@link AdminPrincipal} of a route with `@ControlAccess`. */
export const Steward = createParamDecorator(
  (_: unknown, context: ExecutionContext): ControlPrincipal | AdminPrincipal => {
    const { user } = context
      .switchToHttp()
      .getRequest<FastifyRequest & { user?: ControlPrincipal | AdminPrincipal | { readonly kind: 'runtime' } }>();
    if (user?.kind !== 'control' && user?.kind !== 'admin') throw new Error('the route has no control principal');
    return user;
  },
);
