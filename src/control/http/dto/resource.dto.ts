import { Type } from 'class-transformer';
import { ArrayMaxSize, IsArray, IsBoolean, IsIn, ValidateIf, ValidateNested } from 'class-validator';
import type { JsonObject } from '../../../kernel/json.js';
import type { ArgumentSchemas } from '../../domain/resources/argument-schemas.js';
import { MOST_DETAIL_TYPES } from '../../domain/resources/detail-types.js';
import { MOST_OPERATIONS, OPERATION_METHODS } from '../../domain/resources/operations.js';
import { MOST_SCOPES } from '../../domain/resources/scope-names.js';
import {
  Clearable,
  documented,
  IsMembers,
  IsName,
  IsReference,
  IsSlug,
  IsText,
  IsUrlText,
  IsWhole,
  Optional,
} from './rules.js';

const MOST_MS = 3_600_000;
const MOST_CALLS = 10_000_000;
const MOST_BODY = 10 * 1024 ** 3;

export class ScopeDto {
  @IsText(128)
  name!: string;

  @Optional()
  @IsText(500)
  description?: string;
}

/** `{method, path, scope, params?, query?, body?}`, `{mcp_tool, scope, args?}`, `{mcp_prompt, scope}` or `{mcp_resource, scope}`. */
export class OperationDto {
  @ValidateIf((operation: OperationDto) => isOnPath(operation))
  @IsIn(OPERATION_METHODS, { message: `must be one of ${OPERATION_METHODS.join(', ')}` })
  method?: string;

  @ValidateIf((operation: OperationDto) => isOnPath(operation))
  @IsText(1_024)
  path?: string;

  /** A JSON Schema (2020-12) that the path's `{name}` segments must fit, as an object of texts; `type: integer` reads them as numbers. */
  @Optional()
  @IsMembers()
  params?: JsonObject;

  /** The same for the members of the query. A call whose query fits no operation of its path is not permitted. */
  @Optional()
  @IsMembers()
  query?: JsonObject;

  /** The same for the JSON body. */
  @Optional()
  @IsMembers()
  body?: JsonObject;

  @Optional()
  @IsText(128)
  mcp_tool?: string;

  @Optional()
  @IsText(128)
  mcp_prompt?: string;

  @Optional()
  @IsText(1_024)
  mcp_resource?: string;

  /** By the name of each argument of the tool, a JSON Schema (2020-12) that it must fit; with `optional: true` it may be absent. */
  @Optional()
  @IsMembers()
  args?: ArgumentSchemas;

  @IsText(1_024)
  scope!: string;
}

function isOnPath({ mcp_tool, mcp_prompt, mcp_resource }: OperationDto): boolean {
  return mcp_tool === undefined && mcp_prompt === undefined && mcp_resource === undefined;
}

/** A type of authorization details (RFC 9396) and the JSON Schema of its objects. */
export class DetailTypeDto {
  @IsText(128)
  type!: string;

  /** JSON Schema 2020-12, closed: what it does not name is refused. */
  @IsMembers()
  schema!: JsonObject;

  @Optional()
  @IsText(500)
  description?: string;
}

export class EgressAllowDto {
  @IsText(64)
  cidr!: string;

  @IsWhole(1, 65_535)
  port!: number;
}

export class EgressDto {
  @Optional()
  @ValidateNested({ each: true })
  @Type(() => EgressAllowDto)
  @ArrayMaxSize(64)
  @IsArray()
  allow?: EgressAllowDto[];

  @Optional()
  @IsBoolean()
  insecure_http?: boolean;
}

export class ResourceLimitsDto {
  /** Of all callers together. */
  @Optional()
  @IsWhole(1, MOST_CALLS)
  requests_per_minute?: number;

  @Optional()
  @IsWhole(1, MOST_CALLS)
  application_requests_per_minute?: number;

  @Optional()
  @IsWhole(1, MOST_CALLS)
  session_requests_per_minute?: number;

  /** Of one IPv4 address, or one IPv6 /64. */
  @Optional()
  @IsWhole(1, MOST_CALLS)
  address_requests_per_minute?: number;

  @Optional()
  @IsWhole(0, MOST_BODY)
  max_body_bytes?: number;

  @Optional()
  @IsWhole(1, 60_000)
  connect_timeout_ms?: number;

  @Optional()
  @IsWhole(1, MOST_MS)
  timeout_ms?: number;

  @Optional()
  @IsWhole(1, MOST_MS)
  idle_timeout_ms?: number;

  @Optional()
  @IsWhole(1, 24 * MOST_MS)
  total_timeout_ms?: number;

  @Optional()
  @IsWhole(1, 100_000)
  max_concurrent?: number;

  @Optional()
  @IsWhole(0, 60_000)
  queue_timeout_ms?: number;
}

/** What may be set and changed on a resource; null takes a value away. */
export class ResourceValuesDto {
  @Clearable()
  @IsUrlText()
  upstream_url?: string | null;

  @Optional()
  @ValidateNested({ each: true })
  @Type(() => ScopeDto)
  @ArrayMaxSize(MOST_SCOPES)
  @IsArray()
  scopes?: ScopeDto[];

  /** A list, or `"any"` together with `scope`. */
  @ValidateIf((values: ResourceValuesDto) => values.operations !== undefined && values.operations !== 'any')
  @ValidateNested({ each: true })
  @Type(() => OperationDto)
  @ArrayMaxSize(MOST_OPERATIONS)
  @IsArray({
    message:
      'must be "any" or a list of operations, like [{"method":"GET","path":"/invoices/{id}","scope":"invoices:read"}]',
  })
  @documented((schema) => ({ anyOf: [schema, { const: 'any' }] }))
  operations?: OperationDto[] | 'any';

  /** The scope that `operations: "any"` asks of every call. */
  @Optional()
  @IsText(1_024)
  scope?: string;

  @Optional()
  @ValidateNested({ each: true })
  @Type(() => DetailTypeDto)
  @ArrayMaxSize(MOST_DETAIL_TYPES)
  @IsArray()
  authorization_details_types?: DetailTypeDto[];

  @Clearable()
  @IsReference()
  provider?: string | null;

  @Clearable()
  @ValidateNested()
  @Type(() => EgressDto)
  egress?: EgressDto | null;

  @Clearable()
  @ValidateNested()
  @Type(() => ResourceLimitsDto)
  limits?: ResourceLimitsDto | null;

  @Clearable()
  @IsBoolean()
  single_use?: boolean | null;

  @Clearable()
  @IsBoolean()
  mcp?: boolean | null;

  @Clearable()
  @IsBoolean()
  approval_binds_body?: boolean | null;

  /** Those who decide approvals see neither the user nor what the work contains, whatever the zone says. */
  @Clearable()
  @IsIn(['minimal'])
  approval_privacy?: 'minimal' | null;

  @Clearable()
  @IsIn(['pass'])
  cookies?: 'pass' | null;

  @Clearable()
  @IsBoolean()
  x_forwarded?: boolean | null;

  @Clearable()
  @IsBoolean()
  digests?: boolean | null;

  @Clearable()
  @IsReference()
  server_application?: string | null;
}

export class CreateResourceDto extends ResourceValuesDto {
  @IsSlug()
  slug!: string;

  /** The slug when it is omitted. */
  @Optional()
  @IsName()
  name?: string;

  /** An absolute URI (RFC 8707 §2); made from zone and slug when it is omitted. */
  @Optional()
  @IsText(1_024)
  identifier?: string;

  @Optional()
  @IsIn(['gateway', 'direct'])
  enforcement?: 'gateway' | 'direct';
}

export class PatchResourceDto extends ResourceValuesDto {
  @Optional()
  @IsName()
  name?: string;
}
