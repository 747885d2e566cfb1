import { Type } from 'class-transformer';
import {
  ArrayMaxSize,
  ArrayUnique,
  IsArray,
  IsOptional,
  IsString,
  Length,
  Matches,
  ValidateNested,
} from 'class-validator';
import { PolicyTestDto } from './question.dto.js';

const MAX_CEDAR = 65_536;
const POLICY_ID = /^pol_[0-9a-f-]{36}$/;

export class CreatePolicyDto {
  @IsString()
  @Length(1, 128)
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
  @IsOptional()
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
