import { ArrayMaxSize, ArrayUnique, IsArray, IsObject, IsOptional, IsString, Length, Matches } from 'class-validator';
import type { JsonObject } from '../../kernel/json.js';

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

  @IsOptional()
  @IsArray()
  @ArrayMaxSize(1_000)
  @IsObject({ each: true })
  tests?: JsonObject[];
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
