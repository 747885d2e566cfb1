import { IsIn, IsString, Matches } from 'class-validator';
import type { JsonValue } from '../../../kernel/json.js';
import { INVOCATION_STATUSES, type InvocationStatus } from '../../domain/invocations/invocation.js';
import { isPayload } from '../../domain/invocations/new-invocation.js';
import { DIGEST, PAYLOAD } from './own-rules.js';
import { IsReason, IsReference, IsWhole, Optional, Satisfies } from './rules.js';

const MOST_DEADLINE_SECONDS = 604_800;
const isDigest = (value: unknown): boolean => typeof value === 'string' && /^[\x21-\x7e]{1,256}$/.test(value);

export class CreateInvocationDto {
  @IsReference()
  target!: string;

  @IsWhole(1, MOST_DEADLINE_SECONDS)
  deadline_seconds!: number;

  @Optional()
  @IsWhole(1, 100)
  max_attempts?: number;

  /** Between a failure and the next attempt; doubles with each. */
  @Optional()
  @IsWhole(0, 3_600)
  backoff_seconds?: number;

  @Optional()
  @Satisfies(isDigest, DIGEST)
  input_digest?: string;

  @Optional()
  @Satisfies(isPayload, PAYLOAD)
  input?: JsonValue;
}

export class CompleteInvocationDto {
  @Optional()
  @Satisfies(isDigest, DIGEST)
  result_digest?: string;

  @Optional()
  @Satisfies(isPayload, PAYLOAD)
  result?: JsonValue;
}

export class FailInvocationDto {
  @IsReason()
  reason!: string;
}

export class ProgressDto {
  @Optional()
  @IsReason()
  note?: string;

  @Optional()
  @IsWhole(0, 100)
  percent?: number;
}

export class InvocationsQuery {
  @Optional()
  @IsString()
  limit?: string;

  @Optional()
  @IsString()
  cursor?: string;

  /** Only what the caller may begin now. */
  @Optional()
  @IsIn(['true', 'false'])
  assigned?: 'true' | 'false';

  /** Seconds to wait while there is nothing to begin. */
  @Optional()
  @Matches(/^(?:[0-9]|1[0-9]|2[0-5])$/, { message: 'must be a whole number from 0 to 25' })
  wait?: string;

  @Optional()
  @IsIn(INVOCATION_STATUSES)
  status?: InvocationStatus;

  @Optional()
  @IsReference()
  source?: string;

  @Optional()
  @IsReference()
  target?: string;
}

export class AdminInvocationsQuery {
  @Optional()
  @IsString()
  limit?: string;

  @Optional()
  @IsString()
  cursor?: string;

  @Optional()
  @IsIn(INVOCATION_STATUSES)
  status?: InvocationStatus;

  @Optional()
  @IsReference()
  source?: string;

  @Optional()
  @IsReference()
  target?: string;

  @Optional()
  @IsReference()
  application?: string;
}

export class EventsQuery {
  @Optional()
  @IsString()
  limit?: string;

  @Optional()
  @IsString()
  cursor?: string;
}
