import { ArrayMaxSize, ArrayUnique, IsArray, IsIn, IsString, Matches } from 'class-validator';
import type { JsonObject } from '../../../kernel/json.js';
import { MOST_CALLS } from '../../domain/delegations/constraints.js';
import { parseAuthority } from '../../domain/sessions/authority-request.js';
import { boundTo } from '../../domain/sessions/bound-key.js';
import { isMetadata } from '../../domain/sessions/metadata.js';
import { parseSubjectProof } from '../../domain/sessions/subject-proof.js';
import { AUTHORITY, BOUND_KEY, METADATA, SUBJECT } from './own-rules.js';
import { IsReason, IsReference, IsWhole, Optional, Satisfies } from './rules.js';

const LABEL = /^[A-Za-z0-9_.:/-]{1,64}$/;
const STATUSES = ['active', 'suspended', 'terminated', 'expired'] as const;

export class StartSessionDto {
  @IsIn(['task', 'service'])
  lifecycle!: 'task' | 'service';

  @Optional()
  @IsWhole(1, 86_400)
  ttl_seconds?: number;

  @Optional()
  @IsWhole(15, 600)
  lease_seconds?: number;

  @Optional()
  @ArrayUnique()
  @Matches(LABEL, { each: true, message: 'each item must be 1–64 of A–Z, a–z, 0–9 and _ . : / -' })
  @ArrayMaxSize(32)
  @IsArray()
  labels?: string[];

  @Optional()
  @Satisfies(isMetadata, METADATA)
  metadata?: JsonObject;

  @Optional()
  @IsReference()
  parent?: string;

  /** The person who answers for the session and all below it. */
  @Optional()
  @IsReason()
  sponsor?: string;

  /** Calls that it and everything below it may make through the gateway. */
  @Optional()
  @IsWhole(1, MOST_CALLS)
  max_calls?: number;

  @Optional()
  @Satisfies((value) => parseAuthority(value) !== undefined, AUTHORITY)
  authority?: unknown;

  /** A federated user, by proof. */
  @Optional()
  @Satisfies((value) => parseSubjectProof(value) !== undefined, SUBJECT)
  subject?: JsonObject;

  /** The public key that the session's tokens are bound to. */
  @Optional()
  @Satisfies((value) => boundTo(value) !== undefined, BOUND_KEY)
  jwk?: JsonObject;
}

export class ReasonDto {
  @Optional()
  @IsReason()
  reason?: string;
}

export class HeartbeatDto {
  @IsWhole(1, 2_147_483_647)
  generation!: number;
}

/** `limit` and `cursor` are judged where the page is made. */
export class SessionsQuery {
  @Optional()
  @IsString()
  limit?: string;

  @Optional()
  @IsString()
  cursor?: string;

  @Optional()
  @IsReference()
  parent?: string;

  @Optional()
  @IsReference(64)
  label?: string;

  @Optional()
  @IsIn(STATUSES)
  status?: (typeof STATUSES)[number];
}

export class AdminSessionsQuery extends SessionsQuery {
  @Optional()
  @IsReference()
  application?: string;

  @Optional()
  @IsReference(512)
  subject?: string;
}
