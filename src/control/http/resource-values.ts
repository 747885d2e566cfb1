import { invalidRequest } from '../domain/faults.js';
import { anyOperation } from '../domain/resources/operations.js';
import type { ResourceOperation } from '../domain/resources/resource.js';
import type { NewResource, ResourceValues } from '../resources.js';
import { plain } from './answers.js';
import type { CreateResourceDto, OperationDto, PatchResourceDto } from './dto/resource.dto.js';

export function newResource(body: CreateResourceDto): NewResource {
  const { slug, identifier, enforcement } = body;
  return { ...resourceValues(body), slug, name: body.name ?? slug, identifier, enforcement };
}

export function resourceValues(body: PatchResourceDto): ResourceValues {
  const { single_use, mcp, approval_binds_body, approval_privacy, cookies, x_forwarded, digests } = body;
  return {
    name: body.name,
    upstreamUrl: body.upstream_url,
    scopes: body.scopes && body.scopes.map((scope) => plain({ ...scope })),
    operations: declaredOperations(body.operations, body.scope),
    authorizationDetailsTypes: body.authorization_details_types?.map((one) => plain({ ...one })),
    provider: body.provider,
    egress: body.egress && plain(body.egress),
    limits: body.limits && plain(body.limits),
    options: { single_use, mcp, approval_binds_body, approval_privacy, cookies, x_forwarded, digests },
    serverApplication: body.server_application,
  };
}

type Present<T> = { readonly [K in keyof T]?: Exclude<T[K], undefined> };

function present<T extends object>(members: T): Present<T> {
  return plain(Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as Present<T>);
}

/** Operations as the domain knows them; each is of exactly one form, and `"any"` names the scope it asks. */
export function declaredOperations(
  operations: readonly OperationDto[] | 'any' | undefined,
  scope: string | undefined,
): readonly ResourceOperation[] | undefined {
  if (operations === 'any' && scope !== undefined) return anyOperation(scope);
  if (operations === 'any')
    throw invalidRequest([
      { field: 'scope', message: 'is required with operations "any": the scope that every call needs' },
    ]);
  if (scope !== undefined)
    throw invalidRequest([
      { field: 'scope', message: 'belongs to operations "any" only; a listed operation names its own' },
    ]);
  return operations?.map(declaredOperation);
}

function declaredOperation(operation: OperationDto, at: number): ResourceOperation {
  const [form, ...others] = [...formsOnPaths(operation), ...formsOfMcp(operation)];
  const argsFit = operation.args === undefined || operation.mcp_tool !== undefined;
  if (form && others.length === 0 && argsFit) return form;
  throw invalidRequest([
    {
      field: `operations.${at}`,
      message:
        'must be one of {method, path, scope, params?, query?, body?}, {mcp_tool, scope, args?}, {mcp_prompt, scope} or {mcp_resource, scope}',
    },
  ]);
}

function formsOnPaths({ method, path, params, query, body, scope }: OperationDto): ResourceOperation[] {
  const members = [method, path, params, query, body];
  if (members.every((member) => member === undefined)) return [];
  return [{ method: method ?? '', path: path ?? '', scope, ...present({ params, query, body }) }];
}

function formsOfMcp({ mcp_tool, mcp_prompt, mcp_resource, args, scope }: OperationDto): ResourceOperation[] {
  return [
    ...(mcp_tool === undefined ? [] : [{ mcp_tool, scope, ...present({ args }) }]),
    ...(mcp_prompt === undefined ? [] : [{ mcp_prompt, scope }]),
    ...(mcp_resource === undefined ? [] : [{ mcp_resource, scope }]),
  ];
}
