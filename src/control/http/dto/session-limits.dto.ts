import { MOST_SESSION_LIMITS as MOST } from '../../domain/session-limits.js';
import { IsWhole, Optional } from './rules.js';

const MOST_CALLS = 1_000_000_000;

/** `limits` of an application: only what it tightens. */
export class ApplicationLimitsDto {
  @Optional()
  @IsWhole(0, MOST.depth)
  depth?: number;

  @Optional()
  @IsWhole(0, MOST.children_per_session)
  children_per_session?: number;

  @Optional()
  @IsWhole(0, MOST.sessions_per_application)
  sessions_per_application?: number;

  @Optional()
  @IsWhole(0, MOST.delegations_per_session)
  delegations_per_session?: number;

  @Optional()
  @IsWhole(0, MOST.holds_per_session)
  holds_per_session?: number;

  @Optional()
  @IsWhole(0, MOST.spawn_per_minute)
  spawn_per_minute?: number;
}

/** When a tree of sessions is suspended as a runaway; what is left out trips nothing. */
export class BreakerDto {
  @Optional()
  @IsWhole(0, MOST.depth)
  depth?: number;

  @Optional()
  @IsWhole(1, MOST.children_per_session)
  fan_out?: number;

  @Optional()
  @IsWhole(1, MOST.spawn_per_minute)
  spawns_per_minute?: number;

  @Optional()
  @IsWhole(1, MOST_CALLS)
  calls_per_minute?: number;

  @Optional()
  @IsWhole(1, MOST_CALLS)
  refusals_per_minute?: number;
}

/** `limits` of a zone: what is left out has its default. */
export class ZoneLimitsDto extends ApplicationLimitsDto {
  @Optional()
  @IsWhole(0, MOST.sessions_per_zone)
  sessions_per_zone?: number;

  @Optional()
  @IsWhole(0, MOST.holds_per_zone)
  holds_per_zone?: number;
}
