import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { routeAccess } from '../access/route-access.js';

/** What the caller has already, by the tag of an answer of ours, is not sent again (RFC 9110 §13.1.2). Raw contexts pass on what upstreams decide. */
export function installConditionalReads(fastify: FastifyInstance): void {
  fastify.addHook('onSend', (request, reply, payload, done) => {
    if (!isUnchanged(request, reply)) return done(null, payload);
    void reply.code(304).removeHeader('content-type');
    return done(null, null);
  });
}

function isUnchanged(request: FastifyRequest, reply: FastifyReply): boolean {
  const known = request.headers['if-none-match'];
  const tag = reply.getHeader('etag');
  if (known === undefined || typeof tag !== 'string' || reply.statusCode !== 200) return false;
  return ['GET', 'HEAD'].includes(request.method) && routeAccess(request) !== undefined && isKnown(tag, known);
}

/** Compared weakly; `*` is whatever there is. */
function isKnown(tag: string, ifNoneMatch: string): boolean {
  return ifNoneMatch.split(',').some((known) => ['*', tag, `W/${tag}`].includes(known.trim()));
}
