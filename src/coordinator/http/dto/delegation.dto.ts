import { IsBoolean, IsString } from 'class-validator';
import type { JsonObject } from '../../../kernel/json.js';
import { MOST_HOPS, MOST_TTL_SECONDS, parseResources } from '../../domain/sessions/authority-request.js';
import { areConstraints } from '../../domain/delegations/constraints.js';
import type { NamedResource } from '../../domain/delegations/named-resources.js';
import { CONSTRAINTS, RESOURCES } from './own-rules.js';
import { IsReference, IsWhole, Optional, Satisfies } from './rules.js';

export class CreateDelegationDto {
  @IsReference()
  target!: string;

  @Satisfies((value) => parseResources(value) !== undefined, RESOURCES)
  resources!: NamedResource[];

  @IsWhole(1, MOST_TTL_SECONDS)
  ttl_seconds!: number;

  @Optional()
  @IsWhole(0, MOST_HOPS)
  hops?: number;

  /** The delegation that is passed on, where several could be. */
  @Optional()
  @IsReference()
  parent?: string;

  @Optional()
  @Satisfies(areConstraints, CONSTRAINTS)
  constraints?: JsonObject;
}

export class RevokeDelegationDto {
  @Optional()
  @IsBoolean()
  terminate_targets?: boolean;
}

export class DelegationsQuery {
  @Optional()
  @IsString()
  limit?: string;

  @Optional()
  @IsString()
  cursor?: string;

  @Optional()
  @IsReference()
  session?: string;

  @Optional()
  @IsReference()
  application?: string;
}
