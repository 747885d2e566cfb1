import type { FastifyRequest } from 'fastify';
import type { RequestContext } from '../../logging/index.js';

/** What parts of the server add to the one line that is logged when a request is done. No secrets, no tokens, no bodies. */
export interface SummaryFields {
  readonly code?: string | undefined;
  /** Why it was refused, in words that the caller does not see. */
  readonly reason?: string | undefined;
  /** The credential that was used, by its public id. */
  readonly principal?: string | undefined;
  readonly zone?: string | undefined;
  readonly [field: string]: string | number | boolean | undefined;
}

const CONTEXT = Symbol('caracal:context');

interface WithContext {
  [CONTEXT]?: RequestContext;
}

/** The context of a request; the same object each time it is asked. */
export function contextOf(request: FastifyRequest): RequestContext {
  const holder = request as FastifyRequest & WithContext;
  return (holder[CONTEXT] ??= { requestId: request.id, summary: {} });
}

/** Adds fields to the summary line of a request; a later value wins. */
export function summarize(request: FastifyRequest, fields: SummaryFields): void {
  Object.assign(contextOf(request).summary, fields);
}
