import type { JsonObject } from '../../../kernel/json.js';
import { formatTime } from '../../../kernel/times.js';
import type { EgressGrants } from '../../../platform/egress/index.js';
import type { ArgumentSchemas } from './argument-schemas.js';
import { publicIdentifier } from './control-resource.js';
import type { DetailType } from './detail-types.js';
import type { OperationPredicates } from './predicates.js';

/** An operation on a path; the predicates say what its calls must look like beyond method and path. */
export interface PathOperation extends OperationPredicates {
  readonly method: string;
  readonly path: string;
  readonly scope: string;
}

/** One operation a resource declares; `scope` is one or more scope-tokens, all of them needed (RFC 6749 §3.3). */
export type ResourceOperation = PathOperation | McpOperation;

/** An operation on a tool, prompt or resource of an MCP server; `args` says what the arguments of the tool must be. */
export type McpOperation =
  | { readonly mcp_tool: string; readonly scope: string; readonly args?: ArgumentSchemas }
  | { readonly mcp_prompt: string; readonly scope: string }
  | { readonly mcp_resource: string; readonly scope: string };

/** A scope as declared. */
export interface DeclaredScope {
  readonly name: string;
  readonly description?: string;
}

/** Bounds of the calls to a resource, as declared; what is absent has the gateway's default. */
export interface ResourceLimits {
  readonly requests_per_minute?: number;
  readonly application_requests_per_minute?: number;
  readonly session_requests_per_minute?: number;
  readonly address_requests_per_minute?: number;
  readonly max_body_bytes?: number;
  readonly connect_timeout_ms?: number;
  readonly timeout_ms?: number;
  readonly idle_timeout_ms?: number;
  readonly total_timeout_ms?: number;
  readonly max_concurrent?: number;
  readonly queue_timeout_ms?: number;
}

/** How calls are treated beyond their operation; stored together, absent when not set. */
export interface ResourceOptions {
  readonly single_use?: boolean;
  readonly mcp?: boolean;
  readonly approval_binds_body?: boolean;
  /** Stricter than the zone: those who decide approvals see no more than they must. */
  readonly approval_privacy?: 'minimal';
  readonly cookies?: 'pass';
  readonly x_forwarded?: boolean;
  /** The outcome of a call holds digests of both bodies. */
  readonly digests?: boolean;
}

/** A resource as it is stored. */
export interface ResourceRow {
  readonly id: string;
  readonly slug: string;
  readonly identifier: string;
  readonly name: string;
  readonly upstreamUrl: string | null;
  readonly enforcement: 'gateway' | 'direct';
  readonly scopes: readonly DeclaredScope[];
  readonly operations: readonly ResourceOperation[];
  readonly authorizationDetailsTypes: readonly DetailType[];
  readonly provider: string | null;
  readonly egress: EgressGrants;
  readonly limits: ResourceLimits;
  readonly options: ResourceOptions;
  readonly serverApplication: string | null;
  readonly status: 'active' | 'archived';
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly archivedAt: Date | null;
  readonly version: number;
}

/** Where a resource is reached: through the gateway, or, the control resource, at control invoke. */
export interface ResourceUrls {
  readonly gateway: string;
  readonly control: string;
}

/** A resource as administrators see it. A direct resource has no gateway URL. */
export function resourceBody(row: ResourceRow, { gateway, control }: ResourceUrls): JsonObject {
  return {
    id: row.id,
    slug: row.slug,
    identifier: publicIdentifier(row, control),
    name: row.name,
    status: row.status,
    enforcement: row.enforcement,
    ...(row.enforcement === 'gateway' ? { gateway_url: gateway } : {}),
    ...present({ upstream_url: row.upstreamUrl, provider: row.provider, server_application: row.serverApplication }),
    ...({
      scopes: row.scopes,
      operations: row.operations,
      ...(row.authorizationDetailsTypes.length === 0
        ? {}
        : { authorization_details_types: row.authorizationDetailsTypes }),
      egress: row.egress,
      limits: row.limits,
    } as unknown as JsonObject),
    ...optionMembers(row.options),
    created_at: formatTime(row.createdAt.getTime()),
    updated_at: formatTime(row.updatedAt.getTime()),
    ...(row.archivedAt === null ? {} : { archived_at: formatTime(row.archivedAt.getTime()) }),
  };
}

/** What is on or off is always said; what has no default only when it was set. */
function optionMembers(options: ResourceOptions): JsonObject {
  const {
    single_use = false,
    mcp = false,
    approval_binds_body = false,
    x_forwarded = false,
    digests = false,
  } = options;
  const { approval_privacy, cookies } = options;
  return {
    ...{ single_use, mcp, approval_binds_body, x_forwarded, digests },
    ...(approval_privacy === undefined ? {} : { approval_privacy }),
    ...(cookies === undefined ? {} : { cookies }),
  };
}

function present(members: Readonly<Record<string, string | null>>): JsonObject {
  return Object.fromEntries(Object.entries(members).filter((entry): entry is [string, string] => entry[1] !== null));
}
