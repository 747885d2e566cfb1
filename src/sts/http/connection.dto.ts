import { IsIn, IsString, Matches, MaxLength, ValidateIf } from 'class-validator';
import type { ConnectionStatus } from '../persistence/connection.entity.js';

const STATUSES: readonly ConnectionStatus[] = ['pending', 'active', 'broken', 'revoked'];
const PLAIN = /^[^\p{Cc}\p{Cs}\u202a-\u202e\u2066-\u2069]+$/u;
const MESSAGE = { message: 'must be 1–512 characters without control characters' };

/** The member may be left out; null is no way of leaving it out. */
function Optional(): PropertyDecorator {
  return ValidateIf((_, value) => value !== undefined);
}

export class CreateConnectionDto {
  /** Id of a provider of kind `oauth2_authorization_code`. */
  @Matches(PLAIN, MESSAGE)
  @MaxLength(128)
  @IsString()
  provider!: string;

  /** `sub` of whose account it is; without it the account is everybody's. */
  @Optional()
  @Matches(PLAIN, MESSAGE)
  @MaxLength(512, MESSAGE)
  @IsString()
  subject?: string;
}

export class ConnectionsQuery {
  @Optional()
  @IsString()
  limit?: string;

  @Optional()
  @IsString()
  cursor?: string;

  @Optional()
  @IsString()
  @MaxLength(128)
  provider?: string;

  @Optional()
  @IsString()
  @MaxLength(512)
  subject?: string;

  @Optional()
  @IsIn(STATUSES)
  status?: ConnectionStatus;
}

export class RevokeConnectionDto {
  @Optional()
  @Matches(/^(?=.*\S)[^\p{Cc}\p{Cs}]+$/u, { message: 'must be 1–500 characters without control characters' })
  @MaxLength(500)
  @IsString()
  reason?: string;
}
