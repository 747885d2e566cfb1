import { Type } from 'class-transformer';
import { ArrayMaxSize, Equals, IsArray, IsIn, IsObject, IsString, Length, ValidateNested } from 'class-validator';
import { CreateApplicationDto } from '../../http/dto/application.dto.js';
import { CreateGrantDto } from '../../http/dto/grant.dto.js';
import { CreateProviderDto } from '../../http/dto/provider.dto.js';
import { CreateWebhookDto } from '../../delivery/http/webhook.dto.js';
import { CreateResourceDto } from '../../http/dto/resource.dto.js';
import { CreateSubjectIssuerDto } from '../../http/dto/subject-issuer.dto.js';
import { IsMembers, IsName, IsSlug, Optional } from '../../http/dto/rules.js';
import { CreateZoneDto } from '../../http/dto/zone.dto.js';
import type { JsonObject } from '../../../kernel/json.js';

const MOST_ZONES = 200;
const MOST_OBJECTS = 2_000;

export class ConfigApplicationDto extends CreateApplicationDto {
  /** What the application is known by. */
  @IsSlug()
  declare slug: string;
}

export class ConfigPolicyDto {
  @IsName()
  name!: string;

  @IsString()
  @Length(1, 65_536)
  cedar!: string;
}

/** The policies that are to be in force, whole and in this order. */
export class ConfigPolicySetDto {
  @ValidateNested({ each: true })
  @Type(() => ConfigPolicyDto)
  @ArrayMaxSize(1_000)
  @IsArray()
  policies!: ConfigPolicyDto[];

  /** Cases that must hold before they are in force. */
  @Optional()
  @IsObject({ each: true, message: 'each must be a JSON object' })
  @ArrayMaxSize(1_000)
  @IsArray()
  tests?: JsonObject[];
}

/** A zone with what is in it; other objects are named by slug, providers by name. */
export class ConfigZoneDto extends CreateZoneDto {
  @Optional()
  @ValidateNested({ each: true })
  @Type(() => ConfigApplicationDto)
  @ArrayMaxSize(MOST_OBJECTS)
  @IsArray()
  applications?: ConfigApplicationDto[];

  @Optional()
  @ValidateNested({ each: true })
  @Type(() => CreateProviderDto)
  @ArrayMaxSize(MOST_OBJECTS)
  @IsArray()
  providers?: CreateProviderDto[];

  @Optional()
  @ValidateNested({ each: true })
  @Type(() => CreateSubjectIssuerDto)
  @ArrayMaxSize(MOST_OBJECTS)
  @IsArray()
  subject_issuers?: CreateSubjectIssuerDto[];

  @Optional()
  @ValidateNested({ each: true })
  @Type(() => CreateResourceDto)
  @ArrayMaxSize(MOST_OBJECTS)
  @IsArray()
  resources?: CreateResourceDto[];

  @Optional()
  @ValidateNested({ each: true })
  @Type(() => CreateGrantDto)
  @ArrayMaxSize(MOST_OBJECTS)
  @IsArray()
  grants?: CreateGrantDto[];

  @Optional()
  @ValidateNested()
  @Type(() => ConfigPolicySetDto)
  policy_set?: ConfigPolicySetDto;
}

/** A webhook is known by its place and zone; its secret is made here and shown once. */
export class ConfigWebhookDto extends CreateWebhookDto {
  /** `{"set": true}`, as it is exported; it cannot be chosen. */
  @Optional()
  @IsMembers()
  secret?: JsonObject;
}

export class ConfigDto {
  /** The version of this form. */
  @Equals(1, { message: 'must be 1' })
  v!: number;

  @ValidateNested({ each: true })
  @Type(() => ConfigZoneDto)
  @ArrayMaxSize(MOST_ZONES)
  @IsArray()
  zones!: ConfigZoneDto[];

  @Optional()
  @ValidateNested({ each: true })
  @Type(() => ConfigWebhookDto)
  @ArrayMaxSize(MOST_OBJECTS)
  @IsArray()
  webhooks?: ConfigWebhookDto[];
}

export class ConfigApplyQuery {
  /** `true`: say what would be done and do nothing. */
  @Optional()
  @IsIn(['true', 'false'])
  dry_run?: 'true' | 'false';
}
