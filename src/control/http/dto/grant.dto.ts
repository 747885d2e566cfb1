import { ArrayMaxSize, ArrayMinSize, ArrayUnique, IsArray, IsIn, IsString } from 'class-validator';
import { MOST_SCOPES } from '../../domain/resources/scope-names.js';
import { AreScopeNames, Clearable, IsLabel, IsReference, IsTime, Optional } from './rules.js';

export class CreateGrantDto {
  @IsReference()
  application!: string;

  @IsReference()
  resource!: string;

  @ArrayUnique()
  @AreScopeNames()
  @ArrayMaxSize(MOST_SCOPES)
  @ArrayMinSize(1)
  @IsArray()
  scopes!: string[];

  /** Opens the grant only to sessions that carry the label. */
  @Optional()
  @IsLabel()
  label?: string;

  @Optional()
  @IsTime()
  expires_at?: string;
}

export class PatchGrantDto {
  @Optional()
  @ArrayUnique()
  @AreScopeNames()
  @ArrayMaxSize(MOST_SCOPES)
  @ArrayMinSize(1)
  @IsArray()
  scopes?: string[];

  @Clearable()
  @IsLabel()
  label?: string | null;

  @Clearable()
  @IsTime()
  expires_at?: string | null;
}

export class GrantQuery {
  @Optional()
  @IsString()
  limit?: string;

  @Optional()
  @IsString()
  cursor?: string;

  @Optional()
  @IsIn(['active', 'archived'])
  status?: string;

  @Optional()
  @IsReference()
  application?: string;

  @Optional()
  @IsReference()
  resource?: string;
}
