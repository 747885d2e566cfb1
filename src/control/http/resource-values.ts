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
  const { single_use, mcp, approval_binds_body, cookies, x_forwarded } = body;
  return {
    name: body.name,
    upstreamUrl: body.upstream_url,
    scopes: body.scopes && body.scopes.map((scope) => plain({ ...scope })),
    operations: declaredOperations(body.operations, body.scope),
    authorizationDetailsTypes: body.authorization_details_types?.map((one) => plain({ ...one })),
    provider: body.provider,
    egress: body.egress && plain(body.egress),
    limits: body.limits && plain(body.limits),
    options: { single_use, mcp, approval_binds_body, cookies, x_forwarded },
    serverApplication: body.server_application,
  };
}

function present<T extends object>(members: T): T {
  return plain(Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as T);
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

function declaredOperation({ mcp_tool, scope, ...rest }: OperationDto, at: number): ResourceOperation {
  const { method = '', path = '', ...predicates } = rest;
  if (mcp_tool === undefined) return { method, path, scope, ...present(predicates) };
  if (Object.values(rest).every((value) => value === undefined)) return { mcp_tool, scope };
  throw invalidRequest([
    {
      field: `operations.${at}`,
      message: 'must be either {method, path, scope, params?, query?, body?} or {mcp_tool, scope}',
    },
  ]);
}
