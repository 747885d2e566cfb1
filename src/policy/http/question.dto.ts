import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  IsArray,
  IsBoolean,
  IsIn,
  IsInt,
  IsIP,
  IsObject,
  IsString,
  Length,
  Matches,
  Max,
  MaxLength,
  Min,
  ValidateNested,
} from 'class-validator';
import type { JsonObject } from '../../kernel/json.js';
import { Optional } from '../../platform/http/index.js';

const MAX_CEDAR = 65_536;
const LONGEST_NAME = 2_048;
const LAST_VERSION = 2_147_483_647;
const LABEL = /^[A-Za-z0-9_.:/-]{1,64}$/;
const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]+(?: [\x21\x23-\x5b\x5d-\x7e]+)*$/;

export class PolicyOperationDto {
  @Optional()
  @IsString()
  @Length(1, 32)
  method?: string;

  @Optional()
  @IsString()
  @MaxLength(4_096)
  path?: string;

  @Optional()
  @IsString()
  @MaxLength(4_096)
  template?: string;

  @Optional()
  @IsString()
  @MaxLength(256)
  mcp_method?: string;

  @Optional()
  @IsString()
  @MaxLength(256)
  mcp_tool?: string;

  @Optional()
  @IsObject()
  args?: JsonObject;
}

export class PolicySubjectDto {
  @IsIn(['application', 'user'])
  type!: 'application' | 'user';

  @IsString()
  @Length(1, 512)
  sub!: string;

  @Optional()
  @IsString()
  @MaxLength(LONGEST_NAME)
  issuer?: string;
}

export class TimeOfDayDto {
  @IsInt()
  @Min(0)
  @Max(23)
  hour!: number;

  /** 0 is Sunday. */
  @IsInt()
  @Min(0)
  @Max(6)
  weekday!: number;
}

/** What a policy reads of a request; what is left out is as it would be now. */
export class QuestionContextDto {
  @Optional()
  @ValidateNested()
  @Type(() => PolicySubjectDto)
  subject?: PolicySubjectDto;

  @Optional()
  @IsInt()
  @Min(0)
  @Max(100)
  depth?: number;

  @Optional()
  @IsArray()
  @ArrayMaxSize(32)
  @IsString({ each: true })
  chain?: string[];

  @Optional()
  @ValidateNested()
  @Type(() => PolicyOperationDto)
  operation?: PolicyOperationDto;

  @Optional()
  @IsBoolean()
  approved?: boolean;

  @Optional()
  @IsIP(undefined, { message: 'must be an IP address, like 203.0.113.7' })
  address?: string;

  @Optional()
  @ValidateNested()
  @Type(() => TimeOfDayDto)
  time?: TimeOfDayDto;
}

/** One question: may they do this there? */
export class PolicyRequestDto {
  /** The id of a session; beside it nothing but what is asked is needed. */
  @Optional()
  @IsString()
  @Length(1, 128)
  session?: string;

  /** The id of an application that acts without a session. */
  @Optional()
  @IsString()
  @Length(1, 128)
  application?: string;

  /** As if a session of the application carried these labels. */
  @Optional()
  @IsArray()
  @ArrayMaxSize(32)
  @Matches(LABEL, { each: true, message: 'each item must be a session label, like team:billing' })
  labels?: string[];

  /** Id, identifier or gateway URL. */
  @IsString()
  @Length(1, LONGEST_NAME)
  resource!: string;

  /** One scope, or several joined by spaces. */
  @Matches(SCOPE, { message: 'must be one or more scopes joined by single spaces, like mail:read' })
  @MaxLength(LONGEST_NAME)
  @IsString()
  scope!: string;

  @Optional()
  @ValidateNested()
  @Type(() => PolicyOperationDto)
  operation?: PolicyOperationDto;

  @Optional()
  @ValidateNested()
  @Type(() => QuestionContextDto)
  context?: QuestionContextDto;
}

export class SimulateDto {
  @Optional()
  @IsString()
  @Length(1, MAX_CEDAR)
  cedar?: string;

  @Optional()
  @IsInt()
  @Min(0)
  @Max(LAST_VERSION)
  version?: number;

  @ValidateNested()
  @Type(() => PolicyRequestDto)
  @IsObject({ message: 'must be an object, like {"application": "app_…", "resource": "res_…", "scope": "read"}' })
  request!: PolicyRequestDto;
}

export class ExplainDto {
  /** Of an entry of the zone's ledger. */
  @IsInt()
  @Min(0)
  @Max(Number.MAX_SAFE_INTEGER)
  index!: number;
}

export class WhoCanDto {
  /** Id, identifier or gateway URL. */
  @IsString()
  @Length(1, LONGEST_NAME)
  resource!: string;

  @Matches(/^[\x21\x23-\x5b\x5d-\x7e]+$/, { message: 'must be one scope, like mail:read' })
  @MaxLength(256)
  @IsString()
  scope!: string;
}

export class RehearseDto {
  @Optional()
  @IsString()
  @Length(1, MAX_CEDAR)
  cedar?: string;

  @Optional()
  @IsInt()
  @Min(0)
  @Max(LAST_VERSION)
  version?: number;

  /** The first index of the window; 0 when it is left out. */
  @Optional()
  @IsInt()
  @Min(0)
  @Max(Number.MAX_SAFE_INTEGER)
  from?: number;

  /** The index the window ends before; the end of the ledger when it is left out. */
  @Optional()
  @IsInt()
  @Min(0)
  @Max(Number.MAX_SAFE_INTEGER)
  to?: number;
}

/** A case that must hold before its set may be activated. It asks the policies alone: no grant and no session need exist. */
export class PolicyTestDto {
  @Optional()
  @IsString()
  @Length(1, 200)
  name?: string;

  @ValidateNested()
  @Type(() => PolicyRequestDto)
  @IsObject({ message: 'must be an object, like {"application": "app_…", "resource": "res_…", "scope": "read"}' })
  request!: PolicyRequestDto;

  /** What must come out. */
  @Optional()
  @IsIn(['allow', 'deny', 'hold'], { message: 'must be allow, deny or hold' })
  decision?: 'allow' | 'deny' | 'hold';

  /** Another name of `decision`. */
  @Optional()
  @IsIn(['allow', 'deny', 'hold'], { message: 'must be allow, deny or hold' })
  expect?: 'allow' | 'deny' | 'hold';

  @Optional()
  @IsArray()
  @ArrayMaxSize(8)
  @IsString({ each: true })
  reasons?: string[];
}
