import type { IncomingMessage } from 'node:http';
import type { FastifyRequest } from 'fastify';

/** Routes that move to the administration listener when there is one. */
const ADMIN_ROUTES = /^\/(?:v1|control|approve|health|metrics|openapi\.json|docs)(?:\/|$)/;
const FROM_ADMIN_LISTENER = Symbol('caracal:admin-listener');

interface Marked {
  [FROM_ADMIN_LISTENER]?: true;
}

export function isAdminRoute(url: string): boolean {
  return ADMIN_ROUTES.test(url);
}

/** Remembers that a request came in on the administration listener. */
export function markAdminListener(raw: IncomingMessage): void {
  (raw as IncomingMessage & Marked)[FROM_ADMIN_LISTENER] = true;
}

/** Which listener serves which routes; with one listener, it serves all. */
export class Surfaces {
  constructor(private readonly split: boolean) {}

  /** `url` is a route's own pattern, never what the caller wrote. */
  serves(request: FastifyRequest, url: string): boolean {
    if (!this.split) return true;
    const fromAdmin = (request.raw as IncomingMessage & Marked)[FROM_ADMIN_LISTENER] === true;
    return fromAdmin === isAdminRoute(url);
  }
}
