import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Mandate } from './checked-mandate.js';
import { challengeOf, MandateError } from './mandate-error.js';
import type { MandateVerifier, PresentedRequest } from './mandate-verifier.js';

export interface GuardOptions {
  readonly verifier: MandateVerifier;
  /** All of them are needed. */
  readonly scopes: readonly string[];
  /** `https://host` by which callers know this server; proofs of possession name it. Never taken from the request. */
  readonly publicUrl: string;
  /** Named in challenges (RFC 9728 §5.1). */
  readonly metadataUrl?: string;
}

/** A request that came through a guard. */
export interface Guarded {
  mandate?: Mandate;
}

type Raw = Pick<IncomingMessage, 'method' | 'url' | 'rawHeaders'>;
type Answer = Pick<ServerResponse, 'writeHead' | 'end'>;

/** Middleware of Express, Connect and plain `node:http`: sets `request.mandate` and calls `next`, or answers the refusal. */
export function expressGuard(options: GuardOptions) {
  return (request: Raw & Guarded & { originalUrl?: string }, response: Answer, next: () => void): void => {
    void decide(options, request, request.originalUrl ?? request.url).then((verdict) => {
      if (verdict instanceof MandateError) return refuse(response, verdict, options);
      request.mandate = verdict;
      next();
    });
  };
}

interface FastifyReplyLike {
  code(status: number): this;
  header(name: string, value: string): this;
  send(body: unknown): unknown;
}

/** An `onRequest` hook of Fastify: sets `request.mandate`, or answers the refusal. */
export function fastifyGuard(options: GuardOptions) {
  return async (request: { readonly raw: Raw } & Guarded, reply: FastifyReplyLike): Promise<unknown> => {
    const verdict = await decide(options, request.raw, request.raw.url);
    if (!(verdict instanceof MandateError)) {
      request.mandate = verdict;
      return undefined;
    }
    for (const [name, value] of Object.entries(refusalHeaders(verdict, options))) void reply.header(name, value);
    return reply.code(verdict.status).send({ error: verdict.code });
  };
}

interface ExecutionContextLike {
  switchToHttp(): { getRequest<T>(): T; getResponse<T>(): T };
}

/**
 * A guard of Nest, on Express and on Fastify: `new MandateGuard(options)`. A refusal is answered here, so that its challenge survives the exception filters.
 */
export class MandateGuard {
  constructor(private readonly options: GuardOptions) {}

  async canActivate(context: ExecutionContextLike): Promise<boolean> {
    const http = context.switchToHttp();
    const request = http.getRequest<Raw & Guarded & { readonly raw?: Raw; readonly originalUrl?: string }>();
    const raw = request.raw ?? request;
    const verdict = await decide(this.options, raw, request.originalUrl ?? raw.url);
    if (!(verdict instanceof MandateError)) {
      request.mandate = verdict;
      return true;
    }
    const response = http.getResponse<Answer & { readonly raw?: Answer; hijack?: () => void }>();
    response.hijack?.();
    refuse(response.raw ?? response, verdict, this.options);
    return false;
  }
}

/** The mandate, or why there is none. What fails unexpectedly is a refusal as well. */
async function decide(options: GuardOptions, raw: Raw, url = '/'): Promise<Mandate | MandateError> {
  try {
    return await options.verifier.verify(presented(raw, options.publicUrl + url), options.scopes);
  } catch (error) {
    return error instanceof MandateError ? error : new MandateError('unavailable', 'unexpected', { cause: error });
  }
}

function presented({ method = '', rawHeaders }: Raw, url: string): PresentedRequest {
  const values = (name: string): string[] =>
    rawHeaders.filter((_, at) => at % 2 === 1 && rawHeaders[at - 1]?.toLowerCase() === name);
  return { method, url, authorization: values('authorization'), dpop: values('dpop') };
}

function refusalHeaders(error: MandateError, options: GuardOptions): Record<string, string> {
  const challenge = challengeOf(error, options);
  return {
    'content-type': 'application/json',
    'cache-control': 'no-store',
    ...(challenge === undefined ? { 'retry-after': '1' } : { 'www-authenticate': challenge }),
  };
}

function refuse(response: Answer, error: MandateError, options: GuardOptions): void {
  response.writeHead(error.status, refusalHeaders(error, options));
  response.end(JSON.stringify({ error: error.code }));
}
