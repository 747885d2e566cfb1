import type { FastifyInstance, FastifyRequest } from 'fastify';
import { AppError } from '../../../kernel/app-error.js';
import { routeAccess } from '../access/route-access.js';

/** Says of a request that has just come whether there is too much to do for it. */
export interface LoadShedder {
  sheds(): boolean;
}

/**
 * What is answered however much there is to do, reviewed by hand: what says how the process is, and what takes authority away. A process that is
 * overrun must still be seen, and stopped.
 */
export const UNSHED_ROUTES: readonly string[] = [
  'GET /health/live',
  'GET /health/ready',
  'GET /metrics',
  'GET /v1/system',
  'POST /v1/zones/:zone/kill',
  'POST /v1/zones/:zone/revocations',
  'POST /v1/zones/:zone/subjects/:subject/revoke',
  'POST /v1/zones/:zone/sessions/:id/suspend',
  'POST /v1/zones/:zone/sessions/:id/terminate',
  'POST /v1/zones/:zone/delegations/:id/revoke',
  'POST /v1/zones/:zone/connections/:id/revoke',
  'POST /v1/zones/:zone/keys/rotate',
  'POST /v1/zones/:zone/keys/:kid/revoke',
  'POST /z/:zone/oauth2/revoke',
  'POST /z/:zone/sessions/:id/suspend',
  'POST /z/:zone/sessions/:id/terminate',
  'POST /z/:zone/delegations/:id/revoke',
];

const UNSHED = new Set(UNSHED_ROUTES);
const RETRY_AFTER_SECONDS = 1;

/** Refuses whatever can wait before anything of it is looked at. Raw contexts refuse by themselves, in their own words. */
export function installLoadShedding(fastify: FastifyInstance, shedder: () => LoadShedder): void {
  fastify.addHook('onRequest', (request, _reply, done) => {
    if (!canWait(request) || !shedder().sheds()) done();
    else
      done(
        new AppError('temporarily_unavailable', 'There is too much to do at the moment.', {
          detail: 'event_loop_late',
          retryAfter: RETRY_AFTER_SECONDS,
        }),
      );
  });
}

function canWait(request: FastifyRequest): boolean {
  const { url } = request.routeOptions;
  if (url === undefined) return true;
  return routeAccess(request) !== undefined && !UNSHED.has(`${request.method} ${url}`);
}
