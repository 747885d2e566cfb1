import { IsIn, IsOptional, IsString, Length } from 'class-validator';
import { formatTime } from '../../kernel/times.js';
import type { KeyState } from '../domain/key-states.js';
import type { KeyAlgorithm } from '../domain/token-keys.js';
import type { SigningKeyEntity } from '../persistence/signing-key.entity.js';

export class RotateKeysDto {
  @IsOptional()
  @IsIn(['when_published', 'now'])
  activate?: 'when_published' | 'now';
}

export class RevokeKeyDto {
  @IsOptional()
  @IsString()
  @Length(1, 500)
  reason?: string;
}

/** A signing key as the API shows it: its life, never its private half. */
export interface KeyAnswer {
  readonly kid: string;
  readonly alg: KeyAlgorithm;
  readonly state: KeyState;
  readonly created_at: string;
  readonly published_at: string;
  readonly activated_at: string | null;
  readonly activate_after: string | null;
  readonly retiring_at: string | null;
  readonly ended_at: string | null;
}

export function keyAnswer(key: SigningKeyEntity): KeyAnswer {
  const time = (date: Date | null) => date && formatTime(date.getTime());
  return {
    kid: key.kid,
    alg: key.alg,
    state: key.state,
    created_at: formatTime(key.createdAt.getTime()),
    published_at: formatTime(key.publishedAt.getTime()),
    activated_at: time(key.activatedAt),
    activate_after: time(key.activateAfter),
    retiring_at: time(key.retiringAt),
    ended_at: time(key.endedAt),
  };
}
