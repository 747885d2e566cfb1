import type { FastifyRequest } from 'fastify';
import { invalidRequest } from '../../domain/faults.js';

const INDEX = /^(?:0|[1-9][0-9]{0,14})$/;

/** The index that a reader of server-sent events has already; undefined when it reads for the first time. Throws `invalid_request` for no index. */
export function lastEventId({ headers }: Pick<FastifyRequest, 'headers'>): number | undefined {
  const last = headers['last-event-id'];
  if (last === undefined || last === '') return undefined;
  if (typeof last !== 'string' || !INDEX.test(last))
    throw invalidRequest([{ field: 'Last-Event-ID', message: 'must be the id of an event of this stream, like 41' }]);
  return Number(last);
}
