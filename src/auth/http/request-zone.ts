import type { FastifyRequest } from 'fastify';

const ZONE_SEGMENT = /^\/(?:v1\/zones|z)\/:([^/]+)/;
const names = new Map<string, string | undefined>();

/** The zone in the path of a request, by the pattern of its route: the segment after `/v1/zones/` or `/z/`, whatever it is called. */
export function requestZone(request: FastifyRequest): string | undefined {
  const pattern = request.routeOptions.url ?? '';
  if (!names.has(pattern)) names.set(pattern, ZONE_SEGMENT.exec(pattern)?.[1]);
  const name = names.get(pattern);
  return name === undefined ? undefined : (request.params as Record<string, string>)[name];
}
