import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { runInRequest } from '../../logging/index.js';
import { routeAccess } from '../access/route-access.js';
import { requestFacts } from '../request/facts.js';
import { contextOf } from '../request/summary.js';
import type { RequestMeter } from './request-meter.js';
import type { Surfaces } from './surfaces.js';

export interface EdgeHookParts {
  readonly surfaces: Surfaces;
  readonly headers: Readonly<Record<string, string>>;
  readonly log: { info(fields: object, message: string): void };
  readonly meter: () => RequestMeter;
}

/** What happens to every request whatever its route: listener, header fields, one summary line, one count. */
export function installEdgeHooks(fastify: FastifyInstance, parts: EdgeHookParts): void {
  fastify.addHook('onRequest', (request, reply, done) => {
    const { url } = request.routeOptions;
    void reply.header('x-request-id', request.id);
    if (url === undefined || routeAccess(request)) void reply.headers({ ...parts.headers });
    if (url !== undefined && !parts.surfaces.serves(request, url)) {
      void reply.headers({ ...parts.headers });
      reply.callNotFound();
      return;
    }
    runInRequest(contextOf(request), done);
  });
  fastify.addHook('onResponse', (request, reply, done) => {
    conclude(request, reply, parts);
    done();
  });
}

function conclude(request: FastifyRequest, reply: FastifyReply, { log, meter }: EdgeHookParts): void {
  const route = request.routeOptions.url ?? 'unmatched';
  const { method } = request;
  const milliseconds = reply.elapsedTime;
  meter().observe({ method, route, status: reply.statusCode, seconds: milliseconds / 1000 });
  const { requestId, traceId, address, userAgent } = requestFacts(request);
  const facts = {
    requestId,
    traceId,
    method,
    route,
    status: reply.statusCode,
    durationMs: Math.round(milliseconds * 100) / 100,
    address,
    userAgent,
  };
  log.info({ ...facts, ...contextOf(request).summary }, 'request');
}
