import type { IncomingMessage, ServerResponse } from 'node:http';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { requestFacts, routeUpgrades, summarize } from '../platform/http/index.js';
import { ALLOWED_METHODS, REFUSED_METHODS } from './domain/request-rule.js';
import { webSocketKey } from './domain/websocket/handshake.js';
import { GatewayCalls } from './gateway-calls.js';
import type { Upgrade } from './http/incoming.js';

const ROUTE = '/g/*';
const PREFIX = '/g/';

/** Takes a request that the router could not read; true when it was the gateway's. */
export type TakeBroken = (request: FastifyRequest, reply: FastifyReply) => boolean;

/**
 * Serves `/g/…` in a context of its own that reads neither bodies nor their types: the raw request is handed over before anything looks at
 * it. What the router cannot decode belongs here as well when its path says so, since the gateway judges raw paths itself.
 */
export function registerGateway(fastify: FastifyInstance, app: NestFastifyApplication): TakeBroken {
  const calls = app.get(GatewayCalls);
  const upgradeOf = webSockets(fastify);
  const take = (request: FastifyRequest, reply: FastifyReply): void => {
    reply.hijack();
    void calls.handle({
      request: request.raw,
      response: reply.raw,
      facts: requestFacts(request),
      upgrade: upgradeOf(request.raw),
      summarize: (fields) => summarize(request, fields),
    });
  };
  for (const method of REFUSED_METHODS) {
    if (!fastify.supportedMethods.includes(method)) fastify.addHttpMethod(method, { hasBody: true });
  }
  void fastify.register((scope, _options, done) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', (_request, payload, parsed) => parsed(null, payload));
    // Before parsing, not in the handler: Fastify answers 415 by itself to a Content-Type that it cannot read, with any parser.
    scope.addHook('onRequest', (request, reply) => take(request, reply));
    scope.route({ method: scope.supportedMethods, url: ROUTE, handler: unreachable });
    done();
  });
  continueWhenDecided(fastify);
  refuseTunnels(fastify);
  return (request, reply) => {
    if (request.raw.url?.startsWith(PREFIX) !== true) return false;
    take(request, reply);
    return true;
  };
}

/** Requests for a WebSocket under the prefix come the way of all calls; other upgrades are nobody's. */
function webSockets(fastify: FastifyInstance): (request: IncomingMessage) => Upgrade | undefined {
  const upgradeOf = routeUpgrades(
    fastify,
    (request) => request.url?.startsWith(PREFIX) === true && webSocketKey(request) !== undefined,
  );
  return (request) => {
    const upgraded = upgradeOf(request);
    const key = upgraded && webSocketKey(request);
    return upgraded && key !== undefined ? { ...upgraded, key } : undefined;
  };
}

/** `Expect: 100-continue` (RFC 9110 §10.1.1): a gateway's caller is told to go on once its call is decided, others at once. */
function continueWhenDecided(fastify: FastifyInstance): void {
  fastify.server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) => {
    if (request.url?.startsWith(PREFIX) !== true) response.writeContinue();
    fastify.routing(request, response);
  });
}

/** `CONNECT` (RFC 9110 §9.3.6) never gets to a route: Node hands over the socket, or closes it without a word. */
function refuseTunnels(fastify: FastifyInstance): void {
  const allow = ALLOWED_METHODS.join(', ');
  const answer = `HTTP/1.1 405 Method Not Allowed\r\nAllow: ${allow}\r\nCaracal-Error: method_not_allowed\r\n`;
  fastify.server.on('connect', (_request, socket) => {
    socket.on('error', () => socket.destroy());
    socket.end(`${answer}Content-Length: 0\r\nConnection: close\r\n\r\n`);
  });
}

function unreachable(): never {
  throw new Error('the gateway takes its requests before they are handled');
}
