import type { IncomingMessage, Server } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyHttpOptions } from 'fastify';
import { newId } from '../../ids/index.js';
import { acceptedRequestId } from '../request/request-id.js';
import { answerBrokenRequest } from './broken-request.js';

const HEADER_BYTES = 16 * 1024;
const MAX_PARAM_LENGTH = 1024;

/** Limits of every listener's sockets. The time for a body is limited per route: raw contexts have limits of their own. */
export const SOCKET_LIMITS = {
  headersTimeout: 15_000,
  requestTimeout: 0,
  keepAliveTimeout: 72_000,
  connectionsCheckingInterval: 5_000,
  maxHeaderSize: HEADER_BYTES,
} as const;

export interface ServerOptionParts {
  readonly trustProxy: readonly string[];
  readonly base: () => string;
}

/** How Fastify is made: no logger of its own, our request ids, our words for what it refuses before any route is known. */
export function serverOptions({ trustProxy, base }: ServerOptionParts) {
  return {
    logger: false,
    requestIdHeader: false,
    genReqId: (raw: IncomingMessage) => acceptedRequestId(raw.headers['x-request-id']) ?? newId('req'),
    trustProxy: trustProxy.length > 0 ? [...trustProxy] : false,
    keepAliveTimeout: SOCKET_LIMITS.keepAliveTimeout,
    requestTimeout: SOCKET_LIMITS.requestTimeout,
    http: SOCKET_LIMITS,
    return503OnClosing: false,
    routerOptions: { maxParamLength: MAX_PARAM_LENGTH },
    clientErrorHandler: (error: NodeJS.ErrnoException, socket: Socket) => answerBrokenRequest(error, socket, base()),
  } satisfies FastifyHttpOptions<Server>;
}
