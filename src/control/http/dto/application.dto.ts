import { Type } from 'class-transformer';
import { ArrayMaxSize, ArrayUnique, IsArray, Matches, ValidateNested } from 'class-validator';
import { MOST_ALLOWED_LABELS } from '../../domain/labels.js';
import { AreLabels, Clearable, IsName, IsSlug, IsTime, IsWhole, Optional } from './rules.js';
import { ApplicationLimitsDto } from './session-limits.dto.js';

/** What sessions are like when whoever starts them does not say, and what none of them goes beyond. */
export class BlueprintDto {
  @Optional()
  @ArrayUnique()
  @AreLabels()
  @ArrayMaxSize(32)
  @IsArray()
  labels?: string[];

  @Optional()
  @IsWhole(1, 86_400)
  ttl_seconds?: number;

  @Optional()
  @IsWhole(15, 600)
  lease_seconds?: number;

  @Optional()
  @IsWhole(1, 86_400)
  max_ttl_seconds?: number;

  /** Calls through the gateway of any session and everything below it. */
  @Optional()
  @IsWhole(1, 1_000_000_000)
  max_calls?: number;

  /** Ids of the only resources that any of its sessions may use. */
  @Optional()
  @ArrayUnique()
  @Matches(/^res_[0-9a-f-]{1,60}$/, { each: true, message: 'each item must be the id of a resource' })
  @ArrayMaxSize(256)
  @IsArray()
  resources?: string[];
}

export class CreateApplicationDto {
  @IsName()
  name!: string;

  /** Made from the name when it is omitted. */
  @Optional()
  @IsSlug()
  slug?: string;

  @Optional()
  @ArrayUnique()
  @AreLabels()
  @ArrayMaxSize(MOST_ALLOWED_LABELS)
  @IsArray()
  allowed_labels?: string[];

  @Optional()
  @ValidateNested()
  @Type(() => ApplicationLimitsDto)
  limits?: ApplicationLimitsDto;

  @Optional()
  @ValidateNested()
  @Type(() => BlueprintDto)
  blueprint?: BlueprintDto;

  @Optional()
  @IsTime()
  expires_at?: string;
}

export class PatchApplicationDto {
  @Optional()
  @IsName()
  name?: string;

  @Optional()
  @ArrayUnique()
  @AreLabels()
  @ArrayMaxSize(MOST_ALLOWED_LABELS)
  @IsArray()
  allowed_labels?: string[];

  @Clearable()
  @ValidateNested()
  @Type(() => ApplicationLimitsDto)
  limits?: ApplicationLimitsDto | null;

  @Clearable()
  @ValidateNested()
  @Type(() => BlueprintDto)
  blueprint?: BlueprintDto | null;

  @Clearable()
  @IsTime()
  expires_at?: string | null;
}
