import { Type } from 'class-transformer';
import { ArrayMaxSize, ArrayUnique, IsArray, IsString, Length, Matches, ValidateNested } from 'class-validator';
import { Optional } from '../../platform/http/index.js';
import { PolicyTestDto } from './question.dto.js';

const MAX_CEDAR = 65_536;
/** At least one visible character; no control characters and none that turn the direction of what stands around it. */
const NAME = /^(?=.*\S)[^\p{Cc}\p{Cs}\u202a-\u202e\u2066-\u2069]*$/u;
const POLICY_ID = /^pol_[0-9a-f-]{36}$/;

export class CreatePolicyDto {
  @IsString()
  @Length(1, 128)
  @Matches(NAME, { message: 'must be 1–128 characters without control characters, like Office hours' })
  name!: string;

  @IsString()
  @Length(1, MAX_CEDAR)
  cedar!: string;
}

export class CreatePolicySetDto {
  @IsArray()
  @ArrayMaxSize(1_000)
  @ArrayUnique()
  @IsString({ each: true })
  @Matches(POLICY_ID, { each: true, message: 'each must be the id of a policy, such as pol_0190…' })
  policies!: string[];

  /** Cases that must hold before the set may be activated. */
  @Optional()
  @IsArray()
  @ArrayMaxSize(1_000)
  @ValidateNested({ each: true })
  @Type(() => PolicyTestDto)
  tests?: PolicyTestDto[];
}

export class RollbackDto {
  @IsString()
  @Length(1, 1_024)
  reason!: string;
}

export class ValidatePolicyDto {
  @IsString()
  @Length(1, MAX_CEDAR)
  cedar!: string;
}
