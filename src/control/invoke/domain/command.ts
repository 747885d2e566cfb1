import { isJsonObject, type JsonObject, type JsonValue } from '../../../kernel/json.js';
import type { Capability } from '../../../platform/http/index.js';

/** One administrative command: what an agent may be granted to do, one by one. */
export interface Command {
  readonly command: string;
  readonly verb: string;
  /** `control:<command>:<verb>`. */
  readonly scope: string;
  /** `bound`: acts in one zone, the token's own; `global`: belongs to none. */
  readonly zone: 'bound' | 'global';
  /** What an administrator needs for the same. */
  readonly capability: Capability;
  /** JSON Schema of `args`. */
  readonly schema: JsonObject;
  readonly inputs: CommandInputs;
}

/** Where each argument belongs in the use case. */
export interface CommandInputs {
  /** Members of the path but the zone. */
  readonly path: readonly string[];
  readonly query: readonly string[];
  readonly body: readonly string[];
  /** It changes an object under a condition: `if_match` holds its ETag. */
  readonly conditional: boolean;
  /** What the zone is called in the path; undefined for a command without one. */
  readonly zoneName?: string | undefined;
}

/** What a route says of itself. */
export interface CommandSource {
  /** `ClassController.method`. */
  readonly handler: string;
  readonly path: string;
  readonly capability: Capability;
  readonly conditional: boolean;
  readonly pages: boolean;
  readonly query?: JsonObject | undefined;
  readonly body?: JsonObject | undefined;
  /** Schemas that those of query and body refer to. */
  readonly definitions: JsonObject;
}

/** What only people do: tokens and overrides (`bootstrap`), and what a person must decide (`approve`). */
const FOR_PEOPLE: ReadonlySet<Capability> = new Set(['bootstrap', 'approve']);
const ZONE_PATH = /^\/v1\/zones\/:([A-Za-z_]+)/;
const PATH_MEMBER = /:([A-Za-z_]+)/g;
const IF_MATCH: JsonObject = { type: 'string', description: 'The ETag of the object as it was read, or `*`.' };
const PAGE: JsonObject = {
  limit: { type: 'string', pattern: '^[1-9][0-9]{0,2}$', description: 'From 1 to 200.' },
  cursor: { type: 'string', description: '`next_cursor` of the page before.' },
};

/** True for what an agent may be granted: administration that needs no person. */
export function isCommandRoute(path: string, capability: Capability): boolean {
  return path.startsWith('/v1/') && !FOR_PEOPLE.has(capability);
}

/** The command of a route: named after its handler, its arguments those of path, query and body in one flat object. Throws on a name used twice. */
export function commandOf(source: CommandSource): Command {
  const { command, verb } = nameOf(source.handler);
  const zoneName = ZONE_PATH.exec(source.path)?.[1];
  const path = [...source.path.matchAll(PATH_MEMBER)].map(([, name = '']) => name).filter((name) => name !== zoneName);
  const query = { ...members(source.query), ...(source.pages ? PAGE : {}) };
  const body = members(source.body);
  const inputs = {
    path,
    query: Object.keys(query),
    body: Object.keys(body),
    conditional: source.conditional,
    zoneName,
  };
  return {
    command,
    verb,
    scope: `control:${command}:${verb}`,
    zone: zoneName === undefined ? 'global' : 'bound',
    capability: source.capability,
    inputs,
    schema: schemaOf(source, { path, query, body }),
  };
}

function schemaOf(
  { query, body, conditional, definitions }: CommandSource,
  parts: { readonly path: readonly string[]; readonly query: JsonObject; readonly body: JsonObject },
): JsonObject {
  const properties: Record<string, JsonValue> = {};
  for (const name of parts.path) properties[name] = { type: 'string' };
  for (const [name, schema] of [...Object.entries(parts.query), ...Object.entries(parts.body)]) {
    if (name in properties) throw new Error(`the argument ${name} is used twice`);
    properties[name] = schema;
  }
  if (conditional) properties['if_match'] = IF_MATCH;
  const required = [...parts.path, ...needed(query), ...needed(body), ...(conditional ? ['if_match'] : [])];
  return {
    type: 'object',
    additionalProperties: false,
    properties,
    ...(required.length === 0 ? {} : { required }),
    ...(Object.keys(definitions).length === 0 ? {} : { $defs: definitions }),
  };
}

function members(schema: JsonObject | undefined): JsonObject {
  const properties = schema?.['properties'];
  return isJsonObject(properties) ? properties : {};
}

function needed(schema: JsonObject | undefined): string[] {
  const required = schema?.['required'];
  return Array.isArray(required) ? required.map(String) : [];
}

/** `AdminPolicySetsController.activate` is `policy-sets`, `activate`. */
function nameOf(handler: string): { readonly command: string; readonly verb: string } {
  const [controller = '', method = ''] = handler.split('.');
  const area = controller.replace(/^Admin(?=[A-Z])/, '').replace(/Controller$/, '');
  return { command: kebab(area), verb: kebab(method) };
}

function kebab(name: string): string {
  return name.replaceAll(/(?<=[a-z0-9])(?=[A-Z])/g, '-').toLowerCase();
}
