import type { FastifyInstance } from 'fastify';
import { StartError } from '../../../kernel/start-error.js';

/** Where contexts outside Nest may serve: the gateway, which authenticates by itself. */
const RAW_ROUTES = /^\/g\//;

/** Collects the URL of every route that is registered without an access declaration. */
export function watchRawRoutes(fastify: FastifyInstance): ReadonlySet<string> {
  const urls = new Set<string>();
  fastify.addHook('onRoute', ({ url, config }) => {
    if (!config?.access) urls.add(url);
  });
  return urls;
}

/** Throws a StartError when a route came in past Nest and its declarations. */
export function checkRawRoutes(urls: ReadonlySet<string>): void {
  const faults = [...urls]
    .filter((url) => !RAW_ROUTES.test(url))
    .map((url) => `${url} is served without an access declaration`);
  if (faults.length > 0) throw new StartError(faults);
}
