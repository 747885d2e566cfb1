import { Ajv2020 } from 'ajv/dist/2020.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../../../kernel/json.js';

const UUID = '01900000-0000-7000-8000-000000000001';
const COMPONENT = 'caracal';
const DEEPEST = 6;

/** What members of these names look like. A name means the same wherever it stands; what does not fit a schema is not shown there. */
const BY_NAME: Readonly<Record<string, readonly JsonValue[]>> = {
  application: [`app_${UUID}`, 'agent'],
  audience: ['my-client-id'],
  capabilities: [['read', 'write']],
  cedar: ['permit(principal, action, resource);'],
  chain: [[`app_${UUID}`]],
  cidr: ['10.1.0.0/16'],
  config: [{ in: 'header', name: 'X-Api-Key' }],
  created_at: ['2030-01-31T12:00:00Z'],
  decision: ['deny'],
  description: ['Read invoices'],
  email: ['ops@example.com'],
  expires_at: ['2030-01-31T12:00:00Z'],
  events: [['approval.requested', 'session.terminated']],
  id: [`ses_${UUID}`],
  identifier: ['https://billing.example/api'],
  issuer: ['https://login.example.com'],
  jwks_uri: ['https://agent.example.com/jwks.json'],
  kind: ['session', 'api_key', 'resource'],
  label: ['team:billing'],
  labels: [['team:billing']],
  allowed_labels: [['team:billing']],
  method: ['GET'],
  mcp_tool: ['search'],
  name: ['Billing API', 'invoices:read', 'X-Api-Key'],
  path: ['/invoices/{id}'],
  policies: [[`pol_${UUID}`]],
  provider: [
    `prv_${UUID}`,
    { name: 'Billing key', kind: 'api_key', config: { in: 'header', name: 'X-Api-Key' }, secret: { value: 'secret' } },
  ],
  reason: ['the laptop was lost'],
  resource: [`res_${UUID}`, 'https://billing.example/api'],
  scope: ['invoices:read'],
  scopes: [['invoices:read'], [{ name: 'invoices:read', description: 'Read invoices' }]],
  secret: [{ value: 'the key that the upstream gave out' }],
  session: [`ses_${UUID}`],
  slug: ['billing'],
  spiffe_id: ['spiffe://example.org/agent'],
  sub: ['alice'],
  target: [`ses_${UUID}`],
  type: ['client_secret', 'user'],
  upstream_url: ['https://api.billing.example/v2'],
  url: ['https://hooks.example.com/caracal'],
  zones: [['demo']],
};

/** Members that help more than they confuse although they may be left out. */
const SHOWN: ReadonlySet<string> = new Set([
  'name',
  'reason',
  'scopes',
  'upstream_url',
  'enforcement',
  'secret',
  'cedar',
  'application',
  'operations',
]);
/** Members of which only one of several may be there. */
const ALTERNATIVES: Readonly<Record<string, readonly string[]>> = { application: ['session'] };

/** Adds to each schema one example made of what is required and what is usual; a schema for which none is found stays without. */
export function withExamples(schemas: JsonObject): JsonObject {
  const maker = new ExampleMaker(schemas);
  return Object.fromEntries(
    Object.entries(schemas).map(([name, schema]) => {
      const example = isJsonObject(schema) ? maker.example(name) : undefined;
      return [name, example === undefined ? schema : { ...(schema as JsonObject), examples: [example] }];
    }),
  );
}

/** By the name of each member of a schema, a value that it accepts; members for which none is found are left out. */
export function examplesOfMembers(schemas: JsonObject, name: string): JsonObject {
  return new ExampleMaker(schemas).members(name);
}

class ExampleMaker {
  private readonly ajv = new Ajv2020({ strict: false, validateFormats: false });

  constructor(private readonly schemas: JsonObject) {
    this.ajv.addSchema({ $id: COMPONENT, components: { schemas } });
  }

  example(name: string): JsonValue | undefined {
    const usual = this.object(this.schemas[name], 0, SHOWN);
    const ref = `${COMPONENT}#/components/schemas/${name}`;
    return [usual, this.object(this.schemas[name], 0, new Set())].find((candidate) => this.fits(ref, candidate));
  }

  members(name: string): JsonObject {
    const schema = this.schemas[name];
    const properties = isJsonObject(schema) ? schema['properties'] : undefined;
    if (!isJsonObject(properties)) return {};
    const found = Object.entries(properties).map(([member, node]) => [member, this.value(member, node, 1)] as const);
    return Object.fromEntries(found.filter(([, value]) => value !== undefined)) as JsonObject;
  }

  private fits(ref: string, value: JsonValue | undefined): boolean {
    return value !== undefined && this.ajv.getSchema(ref)?.(value) === true;
  }

  private object(node: JsonValue | undefined, depth: number, shown: ReadonlySet<string>): JsonObject | undefined {
    const schema = this.resolved(node);
    const properties = schema?.['properties'];
    if (!isJsonObject(properties) || depth > DEEPEST) return undefined;
    const required = new Set((schema?.['required'] as readonly string[] | undefined) ?? []);
    const members = Object.entries(properties)
      .filter(([name]) => required.has(name) || shown.has(name))
      .map(([name, member]) => [name, this.value(name, member, depth + 1)] as const)
      .filter(([, value]) => value !== undefined) as [string, JsonValue][];
    return withoutAlternatives(Object.fromEntries(members), required);
  }

  private value(name: string, node: JsonValue, depth: number): JsonValue | undefined {
    const schema = this.resolved(node);
    if (!schema) return undefined;
    const validate = this.ajv.compile(absolute(schema));
    const candidates = [...(BY_NAME[name] ?? []), ...this.byType(name, schema, depth)];
    return candidates.find((candidate) => validate(candidate));
  }

  private byType(name: string, schema: JsonObject, depth: number): JsonValue[] {
    const choices = schema['anyOf'];
    if (Array.isArray(choices))
      return (choices as readonly JsonValue[]).flatMap((choice) => this.value(name, choice, depth + 1) ?? []);
    if (Array.isArray(schema['enum'])) return [...(schema['enum'] as readonly JsonValue[])];
    if (isJsonObject(schema['properties'])) return [this.object(schema, depth, SHOWN) ?? {}];
    if (schema['type'] === 'array') return [this.items(name, schema['items'], depth), []];
    return plainValues(schema);
  }

  private items(name: string, items: JsonValue | undefined, depth: number): JsonValue {
    const one = items === undefined ? undefined : this.value(name.replace(/s$/, ''), items, depth + 1);
    return one === undefined ? [] : [one];
  }

  private resolved(node: JsonValue | undefined): JsonObject | undefined {
    if (!isJsonObject(node)) return undefined;
    const ref = node['$ref'];
    const target = typeof ref === 'string' ? this.schemas[ref.split('/').at(-1) ?? ''] : node;
    return isJsonObject(target) ? target : undefined;
  }
}

function withoutAlternatives(members: JsonObject, required: ReadonlySet<string>): JsonObject {
  const gone = Object.keys(members).flatMap((name) => ALTERNATIVES[name] ?? []);
  return Object.fromEntries(Object.entries(members).filter(([name]) => required.has(name) || !gone.includes(name)));
}

function plainValues(schema: JsonObject): JsonValue[] {
  const least = typeof schema['minimum'] === 'number' ? schema['minimum'] : 1;
  if (schema['format'] === 'date-time') return ['2030-01-31T12:00:00Z'];
  return [least, 'text', true, {}];
}

/** The schema with references that lead to the components from anywhere. */
function absolute(schema: JsonObject): object {
  return JSON.parse(JSON.stringify(schema).replaceAll('"$ref":"#/', `"$ref":"${COMPONENT}#/`)) as object;
}
