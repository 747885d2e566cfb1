import type { FastifyReply, FastifyRequest } from 'fastify';
import { problemStatus, type AppError } from '../../../kernel/app-error.js';
import type { OAuthError } from '../../../kernel/oauth-error.js';
import { PROBLEM_MEDIA_TYPE, problemOf } from './problem.js';
import { Unauthenticated, bearerChallenge } from './unauthenticated.js';

const DEFAULT_RETRY_SECONDS = 1;
const BASIC = /^basic(?: |$)/i;

/** Sends a problem document with the header fields its status demands. */
export function sendProblem(request: FastifyRequest, reply: FastifyReply, error: AppError, base: string): void {
  const status = problemStatus(error.code);
  sayWhen(reply, status, error);
  if (status === 401) void reply.header('www-authenticate', challengesOf(request, error));
  void reply
    .header('cache-control', 'no-store')
    .type(PROBLEM_MEDIA_TYPE)
    .code(status)
    .send(JSON.stringify(problemOf(base, error, request.id)));
}

/** Sends an OAuth error (RFC 6749 §5.2). */
export function sendOAuthError(request: FastifyRequest, reply: FastifyReply, error: OAuthError, realm: string): void {
  sayWhen(reply, error.status, error);
  if (error.code === 'invalid_client' && BASIC.test(request.headers.authorization ?? '')) {
    void reply.header('www-authenticate', `Basic realm="${realm}", charset="UTF-8"`);
  }
  const body = { ...error.members, error: error.code, error_description: error.description };
  void reply
    .header('cache-control', 'no-store')
    .header('pragma', 'no-cache')
    .type('application/json; charset=utf-8')
    .code(error.status)
    .send(JSON.stringify(body));
}

function challengesOf(request: FastifyRequest, error: AppError): string[] {
  if (error instanceof Unauthenticated) return [...error.challenges];
  const sent = request.headers.authorization !== undefined;
  return [bearerChallenge({ realm: 'caracal', error: sent ? 'invalid_token' : undefined })];
}

/** `Retry-After`, and of a quota that is used up what draft-ietf-httpapi-ratelimit-headers §3 and §4 say. */
function sayWhen(reply: FastifyReply, status: number, { retryAfter, quota }: AppError | OAuthError): void {
  if (retryAfter === undefined && status !== 503 && status !== 429) return;
  const seconds = retryAfter ?? DEFAULT_RETRY_SECONDS;
  void reply.header('retry-after', String(seconds));
  if (quota === undefined) return;
  void reply
    .header('ratelimit-policy', `"${quota.name}";q=${quota.perMinute};w=60`)
    .header('ratelimit', `"${quota.name}";r=0;t=${seconds}`);
}
