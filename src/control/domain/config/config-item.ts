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
  'log_retired_keys',
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

/** Objects that share a name: the first keeps it, the second is `<name>#2`, in the order in which they stand. */
export function numbered<Item extends { readonly key: string }>(items: readonly Item[]): Item[] {
  const seen = new Map<string, number>();
  return items.map((item) => {
    const count = (seen.get(item.key) ?? 0) + 1;
    seen.set(item.key, count);
    return count === 1 ? item : { ...item, key: `${item.key}#${count}` };
  });
}

/** What a webhook is known by: the place, and the zone that it is told of. */
export function webhookKey({ url, zone }: JsonObject): string {
  return JSON.stringify([url ?? null, zone ?? null]);
}

/** What a grant is known by: who holds it where, and under which label. */
export function grantKey({ application, resource, label }: JsonObject): string {
  return JSON.stringify([application ?? null, resource ?? null, label ?? null]);
}
