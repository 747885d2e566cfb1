import { Catch, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { AppError } from '../../../kernel/app-error.js';
import { routeAccess } from '../access/route-access.js';
import { summarize } from '../request/summary.js';
import type { AllowedMethods } from './allowed-methods.js';
import { sendOAuthError, sendProblem } from './answer.js';
import { toAppError, toOAuthError } from './translate.js';

export interface EdgeFilterParts {
  /** The public base URL; asked only when a request has arrived. */
  readonly base: () => string;
  readonly log: { error(fields: object, message: string): void };
  readonly allowed: AllowedMethods;
  /** True when the listener the request came in on serves routes with this URL. */
  readonly serves: (request: FastifyRequest, url: string) => boolean;
}

/**
 * The one mapping from errors to answers: OAuth endpoints answer as RFC 6749 §5.2 says, everything else with a problem
 * document (RFC 9457). An error that nobody meant is a 500 that says nothing; its cause goes to the log.
 */
@Catch()
export class EdgeFilter implements ExceptionFilter {
  constructor(private readonly parts: EdgeFilterParts) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    this.answer(error, http.getRequest<FastifyRequest>(), http.getResponse<FastifyReply>());
  }

  /** Answers outside Nest's handlers: what Fastify refuses before a route is known. */
  answer(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
    if (reply.sent || reply.raw.headersSent) {
      this.unexpected(request, error);
      reply.raw.destroy();
      return;
    }
    const refusal = toAppError(error);
    if (isOAuthAnswer(request, refusal)) this.answerOAuth(error, request, reply);
    else this.answerProblem(refusal, request, reply);
  }

  private answerOAuth(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
    const refusal = toOAuthError(error);
    summarize(request, { code: refusal.code, reason: refusal.detail });
    if (refusal.code === 'server_error') this.unexpected(request, error);
    sendOAuthError(request, reply, refusal, this.parts.base());
  }

  private answerProblem(found: AppError, request: FastifyRequest, reply: FastifyReply): void {
    const refusal = request.is404 && found.code === 'not_found' ? (this.wrongMethod(request, reply) ?? found) : found;
    summarize(request, { code: refusal.code, reason: refusal.detail });
    if (refusal.code === 'server_error') this.unexpected(request, refusal.cause ?? refusal);
    sendProblem(request, reply, refusal, this.parts.base());
  }

  private wrongMethod(request: FastifyRequest, reply: FastifyReply): AppError | undefined {
    const path = request.url.split('?', 1)[0] ?? '';
    const methods = this.parts.allowed.of(path, (url) => this.parts.serves(request, url));
    // A path that the router refuses by itself, such as an over-long one, is not there whatever the method.
    if (methods.length === 0 || methods.includes(request.method)) return undefined;
    void reply.header('allow', methods.join(', '));
    return new AppError('method_not_allowed', 'The method is not allowed here.');
  }

  private unexpected(request: FastifyRequest, error: unknown): void {
    this.parts.log.error(
      { err: error, requestId: request.id, route: request.routeOptions.url },
      'a request failed unexpectedly',
    );
  }
}

/** A zone that does not exist has no OAuth endpoints: 404 is a problem document there as well. */
function isOAuthAnswer(request: FastifyRequest, refusal: AppError): boolean {
  return (
    routeAccess(request)?.kind === 'oauth' && refusal.code !== 'not_found' && refusal.code !== 'method_not_allowed'
  );
}
