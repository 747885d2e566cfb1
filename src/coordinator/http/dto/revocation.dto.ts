import { IsIn, IsString } from 'class-validator';
import { REVOCATION_KINDS, type RevocationKind } from '../../domain/revocation.js';
import { IsReason, IsReference, Optional } from './rules.js';

export class CreateRevocationDto {
  @IsIn(REVOCATION_KINDS)
  kind!: RevocationKind;

  @IsReference(512)
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
