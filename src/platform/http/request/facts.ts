import { randomUUID } from 'node:crypto';
import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { traceIdOf } from './trace-context.js';

/** What is known of a request before anyone is authenticated. None of it identifies the caller. */
export interface RequestFacts {
  readonly requestId: string;
  /** The caller's trace when its `traceparent` is valid, else a fresh one. */
  readonly traceId?: string;
  /** The client's address: the peer's, or what the trusted proxies in front say. */
  readonly address: string;
  readonly userAgent?: string;
}

const USER_AGENT_LENGTH = 256;
const KNOWN = Symbol('caracal:facts');

interface WithFacts {
  [KNOWN]?: RequestFacts;
}

/** The facts of a request; the same object each time it is asked. */
export function requestFacts(request: FastifyRequest): RequestFacts {
  const holder = request as FastifyRequest & WithFacts;
  return (holder[KNOWN] ??= readFacts(request));
}

/** Injects the {@link RequestFacts} into a handler. */
export const Facts = createParamDecorator((_: unknown, context: ExecutionContext): RequestFacts =>
  requestFacts(context.switchToHttp().getRequest<FastifyRequest>()),
);

function readFacts(request: FastifyRequest): RequestFacts {
  const { traceparent, 'user-agent': userAgent } = request.headers;
  return {
    requestId: request.id,
    traceId: traceIdOf(typeof traceparent === 'string' ? traceparent : undefined) ?? freshTraceId(),
    address: addressOf(request),
    ...(userAgent === undefined ? {} : { userAgent: userAgent.slice(0, USER_AGENT_LENGTH) }),
  };
}

/** Of a peer that is gone already nothing is known. */
function addressOf({ ip }: { readonly ip?: string | undefined }): string {
  return ip ?? 'unknown';
}

/** Made of a UUID, whose random bits are drawn many at a time. */
function freshTraceId(): string {
  return randomUUID().replaceAll('-', '');
}
