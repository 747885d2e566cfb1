import type { JsonObject } from '../../../kernel/json.js';

/** Members that the server makes; a configuration does not hold them. */
const MADE: ReadonlySet<string> = new Set([
  'id',
  'client_id',
  'status',
  'issuer',
  'gateway_url',
  'secret_version',
  'bound_origin',
  'log_origin',
  'log_vkey',
  'log_history',
  'created_at',
  'updated_at',
  'archived_at',
]);

/** An object as administrators see it, reduced to what somebody chose. */
export function chosen(body: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(body).filter(([name]) => !MADE.has(name)));
}

/** A member whose value is an id, as the name that `names` has for it. */
export function renamed(body: JsonObject, member: string, names: ReadonlyMap<string, string>): JsonObject {
  const value = body[member];
  return typeof value === 'string' ? { ...body, [member]: names.get(value) ?? value } : body;
}

/** What a grant is known by: who holds it where, and under which label. */
export function grantKey({ application, resource, label }: JsonObject): string {
  return JSON.stringify([application ?? null, resource ?? null, label ?? null]);
}
