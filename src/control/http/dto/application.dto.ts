import { Type } from 'class-transformer';
import { ArrayMaxSize, ArrayUnique, IsArray, ValidateNested } from 'class-validator';
import { MOST_ALLOWED_LABELS } from '../../domain/labels.js';
import { AreLabels, Clearable, IsName, IsSlug, IsTime, Optional } from './rules.js';
import { ApplicationLimitsDto } from './session-limits.dto.js';

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
  @IsTime()
  expires_at?: string | null;
}
