import type { JsonObject, JsonValue } from '../../../kernel/json.js';
import { isJsonObject } from '../../../kernel/json.js';
import type { Access } from '../access/access.js';
import type { DeclaredRoute } from '../access/check-routes.js';
import { handlerInputs, type HandlerInputs } from './handler-inputs.js';
import type { Schemas } from './schemas.js';

const SECURITY: Readonly<Record<Access['kind'], readonly JsonObject[]>> = {
  public: [],
  admin: [{ adminToken: [] }],
  runtime: [{ runtimeToken: [] }],
  control: [{ controlToken: [] }, { adminToken: [] }],
  oauth: [{ clientBasic: [] }, {}],
  page: [],
};
const DONE: Readonly<Record<number, string>> = {
  201: 'Made.',
  202: 'Taken on; it is done later.',
  204: 'Done; there is nothing to say.',
};
const PATH_PARAMETER = /:([A-Za-z_]+)/g;
/** What a path ends with, of any number of segments. */
const REST = /\*$/;

/** The path of a route as OpenAPI writes it. */
export function templateOf(path: string): string {
  return path.replaceAll(PATH_PARAMETER, '{$1}').replace(REST, '{path}');
}

/** The operation object of a route (OpenAPI 3.1 §4.8.10): inputs from its DTO classes, security from its access declaration. */
export function operationOf(route: DeclaredRoute, operationId: string, schemas: Schemas): JsonObject {
  const inputs = handlerInputs(route);
  const access = route.access[0] ?? { kind: 'public' };
  const body = requestBody(inputs, access, schemas);
  return {
    operationId,
    tags: [tagOf(route.path)],
    security: SECURITY[access.kind],
    ...(access.kind === 'admin'
      ? {
          'x-capability': access.capability,
          ...(access.also === undefined ? {} : { 'x-capability-also': access.also }),
        }
      : {}),
    parameters: parametersOf(route, inputs, schemas),
    ...(body ? { requestBody: body } : {}),
    responses: responsesOf(inputs, access, route.method !== 'GET'),
  };
}

function requestBody({ body }: HandlerInputs, access: Access, schemas: Schemas): JsonObject | undefined {
  if (access.kind === 'oauth') {
    return {
      required: true,
      content: { 'application/x-www-form-urlencoded': { schema: { type: 'object', additionalProperties: true } } },
    };
  }
  return body && { content: { 'application/json': { schema: schemas.refer(body) } } };
}

function parametersOf(route: DeclaredRoute, inputs: HandlerInputs, schemas: Schemas): JsonValue[] {
  const named = [...templateOf(route.path).matchAll(/\{([^}]+)\}/g)].map(([, name = '']) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }));
  const shared = [
    ...(inputs.pages ? ['Limit', 'Cursor'] : []),
    ...(inputs.idempotent ? ['IdempotencyKey'] : []),
    ...(inputs.conditional ? ['IfMatch'] : []),
  ];
  return [
    ...named,
    ...queryParameters(inputs, schemas),
    ...shared.map((name) => ({ $ref: `#/components/parameters/${name}` })),
  ];
}

function queryParameters({ query }: HandlerInputs, schemas: Schemas): JsonObject[] {
  if (!query) return [];
  const { properties, required } = schemas.of(query);
  if (!isJsonObject(properties)) return [];
  const mandatory = Array.isArray(required) ? (required as readonly JsonValue[]) : [];
  return Object.entries(properties).map(([name, schema]) => ({
    name,
    in: 'query',
    required: mandatory.includes(name),
    schema,
  }));
}

function responsesOf(inputs: HandlerInputs, access: Access, changes: boolean): JsonObject {
  const { status, also, conditional, idempotent } = inputs;
  const refusal = { $ref: `#/components/responses/${access.kind === 'oauth' ? 'OAuthError' : 'Problem'}` };
  const statuses = [
    '400',
    ...(access.kind === 'public' ? [] : ['401', '403']),
    '404',
    // A session that is suspended may do little, reading what is others' included.
    ...((changes && access.kind !== 'oauth') || access.kind === 'runtime' ? ['409'] : []),
    ...(idempotent ? ['422'] : []),
    ...(conditional ? ['412', '428'] : []),
    '413',
    '415',
    '429',
    '500',
    '503',
  ];
  const refusals = Object.fromEntries(statuses.map((code) => [code, refusal]));
  const successes = Object.fromEntries(
    [status, ...also].map((code) => [String(code), { description: DONE[code] ?? 'Done.' }]),
  );
  return { ...successes, ...refusals, default: refusal };
}

function tagOf(path: string): string {
  const zoned = /^\/(?:v1\/zones|z)\/:[^/]+\/([^/:]+)/.exec(path)?.[1];
  return zoned ?? /^\/(?:v1\/)?([^/:]+)/.exec(path)?.[1] ?? 'server';
}
