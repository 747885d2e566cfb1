import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { AppError } from '../../../kernel/app-error.js';
import { routeAccess } from '../access/route-access.js';
import { requestFacts } from '../request/facts.js';
import { headerLines } from '../request/header-lines.js';
import { contextOf, summarize } from '../request/summary.js';
import type { RequestMeter } from './request-meter.js';
import type { RouteGate } from './route-gate.js';
import type { Surfaces } from './surfaces.js';

export interface EdgeHookParts {
  readonly surfaces: Surfaces;
  readonly headers: Readonly<Record<string, string>>;
  readonly log: { info(fields: object, message: string): void };
  readonly meter: () => RequestMeter;
  readonly controlGate: () => RouteGate;
}

const RETRY_AFTER_SECONDS = 60;

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
    // A raw context judges its requests itself.
    done(routeAccess(request) ? faultOf(request) : undefined);
  });
  fastify.addHook('onRequest', async (request) => {
    if (routeAccess(request)?.kind === 'control') await requireOpen(request, parts.controlGate());
  });
  fastify.addHook('onResponse', (request, reply, done) => {
    conclude(request, reply, parts);
    done();
  });
}

function faultOf({ raw, params }: FastifyRequest): AppError | undefined {
  if (headerLines(raw.rawHeaders, 'host').length > 1)
    return new AppError('invalid_request', 'The request is malformed.', { detail: 'two hosts (RFC 9112 §3.2)' });
  // Nothing has a name with one, and no text of the database can hold one.
  if (Object.values(params as Readonly<Record<string, string>>).some((param) => param.includes('\0')))
    return new AppError('not_found', 'There is nothing here.', { detail: 'a NUL in the path' });
  return undefined;
}

/** A gate that is shut says so before a byte of the request's body or its credentials are looked at. */
async function requireOpen(request: FastifyRequest, gate: RouteGate): Promise<void> {
  const fault = await gate.fault();
  if (fault === undefined) return;
  summarize(request, { code: 'control_disabled', reason: fault });
  throw new AppError('control_disabled', 'The control endpoint is off.', {
    detail: fault,
    retryAfter: RETRY_AFTER_SECONDS,
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
