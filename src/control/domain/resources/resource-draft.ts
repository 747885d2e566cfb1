import type { FieldFault } from '../../../kernel/app-error.js';
import { detailTypeFaults } from './detail-types.js';
import { operationFaults } from './operations.js';
import { identifierFault } from './identifier.js';
import type { ResourceRow } from './resource.js';
import { declaredScopeFaults } from './scope-names.js';

/** The part of a resource that an administrator decides. */
export type ResourceDraft = Pick<
  ResourceRow,
  | 'identifier'
  | 'name'
  | 'upstreamUrl'
  | 'enforcement'
  | 'scopes'
  | 'operations'
  | 'authorizationDetailsTypes'
  | 'provider'
  | 'egress'
  | 'limits'
  | 'options'
  | 'serverApplication'
>;

/**
 * What is wrong with a resource as it would be stored, by itself: whether what it refers to exists, and whether its upstream may be reached,
 * is asked elsewhere. The same rules hold for a new resource and for one after a patch.
 */
export function resourceFaults(draft: ResourceDraft, ownBase: string): readonly FieldFault[] {
  const declared = new Set(draft.scopes.map((scope) => scope.name));
  const identifier = identifierFault(draft.identifier, ownBase);
  return [
    ...(identifier === undefined ? [] : [{ field: 'identifier', message: identifier }]),
    ...declaredScopeFaults(draft.scopes),
    ...operationFaults(draft.operations, { declared, mcp: draft.options.mcp === true }),
    ...detailTypeFaults(draft.authorizationDetailsTypes),
    ...upstreamFaults(draft.upstreamUrl),
    ...(draft.enforcement === 'gateway' ? gatewayFaults(draft) : directFaults(draft)),
    ...limitFaults(draft),
  ];
}

function upstreamFaults(url: string | null): readonly FieldFault[] {
  if (url === null || !url.includes('?')) return [];
  return [{ field: 'upstream_url', message: "must have no query: each call carries its caller's own" }];
}

function gatewayFaults(draft: ResourceDraft): readonly FieldFault[] {
  const faults: FieldFault[] = [];
  if (draft.upstreamUrl === null)
    faults.push({ field: 'upstream_url', message: 'is required when the gateway enforces the resource' });
  if (draft.serverApplication !== null)
    faults.push({ field: 'server_application', message: 'belongs to a direct resource only' });
  return faults;
}

function directFaults(draft: ResourceDraft): readonly FieldFault[] {
  const faults: FieldFault[] = [];
  if (draft.options.single_use === true)
    faults.push({ field: 'single_use', message: 'belongs to a resource that the gateway enforces' });
  if (draft.options.digests === true)
    faults.push({ field: 'digests', message: 'belongs to a resource that the gateway enforces' });
  return faults;
}

function limitFaults({ limits }: ResourceDraft): readonly FieldFault[] {
  const { total_timeout_ms: total, timeout_ms: headers } = limits;
  if (total === undefined || headers === undefined || total >= headers) return [];
  return [{ field: 'limits.total_timeout_ms', message: 'must not be below timeout_ms' }];
}
