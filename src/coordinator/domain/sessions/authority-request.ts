import { isJsonObject, type JsonValue } from '../../../kernel/json.js';
import { isScopeToken } from '../../../kernel/scopes.js';
import type { NamedResource } from '../delegations/named-resources.js';
import type { StartRequest } from './new-session.js';

export const MOST_RESOURCES = 64;
export const MOST_SCOPES = 256;
export const MOST_TTL_SECONDS = 365 * 86_400;
export const MOST_HOPS = 10;

type Authority = StartRequest['authority'];

/** The `authority` of a new session, or undefined when the value is none: unknown members are faults, nothing is converted. */
export function parseAuthority(value: unknown): Authority | undefined {
  if (value === 'inherit' || value === 'none') return value;
  const narrow = onlyMembers(value, ['narrow'])?.['narrow'];
  const asked = onlyMembers(narrow, ['resources', 'ttl_seconds', 'hops']);
  const resources = parseResources(asked?.['resources']);
  if (
    !asked ||
    !resources ||
    !isWhole(asked['ttl_seconds'], 1, MOST_TTL_SECONDS) ||
    !isWhole(asked['hops'], 0, MOST_HOPS)
  )
    return undefined;
  return {
    narrow: {
      resources,
      ttlSeconds: asked['ttl_seconds'] as number | undefined,
      hops: asked['hops'] as number | undefined,
    },
  };
}

/** `[{resource, scopes}]`, each with at least one scope-token (RFC 6749 §3.3), or undefined. */
export function parseResources(value: unknown): NamedResource[] | undefined {
  if (!Array.isArray(value) || value.length === 0 || value.length > MOST_RESOURCES) return undefined;
  const resources = value.map(parseResource);
  return resources.every((resource) => resource !== undefined) ? resources : undefined;
}

function parseResource(value: unknown): NamedResource | undefined {
  const entry = onlyMembers(value, ['resource', 'scopes']);
  const resource = entry?.['resource'];
  const scopes = entry?.['scopes'];
  if (typeof resource !== 'string' || resource.length === 0 || resource.length > 2_048) return undefined;
  if (!Array.isArray(scopes) || scopes.length === 0 || scopes.length > MOST_SCOPES) return undefined;
  return scopes.every((scope) => typeof scope === 'string' && scope.length <= 256 && isScopeToken(scope))
    ? { resource, scopes }
    : undefined;
}

function onlyMembers(value: unknown, known: readonly string[]): Readonly<Record<string, JsonValue>> | undefined {
  if (!isJsonObject(value)) return undefined;
  return Object.keys(value).every((name) => known.includes(name)) ? value : undefined;
}

function isWhole(value: unknown, least: number, most: number): boolean {
  return (
    value === undefined || (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most)
  );
}
