import type { FastifyRequest } from 'fastify';
import type { Access } from './access.js';

declare module 'fastify' {
  interface FastifyContextConfig {
    access?: Access;
  }
}

/** The declaration of the route that a request matched; undefined for what no route matched and for raw contexts. */
export function routeAccess(request: FastifyRequest): Access | undefined {
  return request.routeOptions.config?.access;
}
