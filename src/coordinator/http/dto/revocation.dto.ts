import { IsIn, IsString, MaxLength, MinLength } from 'class-validator';
import { REVOCATION_KINDS, type RevocationKind } from '../../domain/revocation.js';
import { IsReason, Optional } from './rules.js';

export class CreateRevocationDto {
  @IsIn(REVOCATION_KINDS)
  kind!: RevocationKind;

  @MaxLength(512)
  @MinLength(1)
  @IsString()
  id!: string;

  @IsReason()
  reason!: string;
}

export class RevocationsQuery {
  @Optional()
  @IsString()
  limit?: string;

  @Optional()
  @IsString()
  cursor?: string;

  @Optional()
  @IsIn(REVOCATION_KINDS)
  kind?: RevocationKind;
}
