import type { FastifyRequest } from 'fastify';

/** What parts of the server add to the one line that is logged when a request is done. No secrets, no tokens, no bodies. */
export interface SummaryFields {
  readonly code?: string | undefined;
  readonly reason?: string | undefined;
  /** The credential that was used, by its public id. */
  readonly principal?: string | undefined;
  readonly zone?: string | undefined;
  readonly [field: string]: string | number | boolean | undefined;
}

const KEPT = Symbol('caracal:summary');

interface WithSummary {
  [KEPT]?: SummaryFields;
}

/** Adds fields to the summary line of a request; a later value wins. */
export function summarize(request: FastifyRequest, fields: SummaryFields): void {
  const holder = request as FastifyRequest & WithSummary;
  holder[KEPT] = { ...holder[KEPT], ...fields };
}

export function summaryOf(request: FastifyRequest): SummaryFields {
  return (request as FastifyRequest & WithSummary)[KEPT] ?? {};
}
