import {
  ArrayMaxSize,
  ArrayMinSize,
  ArrayUnique,
  IsIn,
  IsInt,
  IsOptional,
  IsString,
  Length,
  Matches,
  Max,
  Min,
} from 'class-validator';
import { formatTime } from '../../kernel/times.js';
import { CAPABILITIES, type Capability } from '../../platform/http/index.js';
import type { AdminTokenEntity } from '../persistence/admin-token.entity.js';

const DAY_SECONDS = 86_400;
export const DEFAULT_TTL_SECONDS = 90 * DAY_SECONDS;
const MAX_TTL_SECONDS = 365 * DAY_SECONDS;
const ZONE_SLUG = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

export class CreateAdminTokenDto {
  @IsString()
  @Length(1, 128)
  @Matches(/^[^\p{Cc}]+$/u, { message: 'name must not hold control characters' })
  name!: string;

  @ArrayMinSize(1)
  @ArrayMaxSize(CAPABILITIES.length)
  @ArrayUnique()
  @IsIn(CAPABILITIES, { each: true })
  capabilities!: Capability[];

  /** Without zones the token is global. */
  @IsOptional()
  @ArrayMinSize(1)
  @ArrayMaxSize(100)
  @ArrayUnique()
  @IsString({ each: true })
  @Matches(ZONE_SLUG, { each: true, message: 'each of zones must be the slug of a zone' })
  zones?: string[];

  /** Who holds the token, as `ops@example.com`, the `sponsor` of sessions or a user's `sub`: nobody decides an approval of their own, or counts twice. */
  @IsOptional()
  @IsString()
  @Length(1, 255)
  @Matches(/^[^\p{Cc}]+$/u, { message: 'must not hold control characters, like ops@example.com' })
  person?: string;

  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(MAX_TTL_SECONDS)
  ttl_seconds?: number;
}

export class RotateAdminTokenDto {
  /** Of the new token; as long as the old one was made for when it is left out. */
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(MAX_TTL_SECONDS)
  ttl_seconds?: number;

  /** How long the old token still works, so that its holder can change over; 0 when it is left out. */
  @IsOptional()
  @IsInt()
  @Min(0)
  @Max(7 * DAY_SECONDS)
  overlap_seconds?: number;
}

/** An admin token as the API shows it; the token itself only once, when it is made. */
export interface AdminTokenAnswer {
  readonly id: string;
  readonly name: string;
  readonly capabilities: readonly Capability[];
  readonly zones: readonly string[] | null;
  readonly person: string | null;
  readonly created_at: string;
  readonly created_by: string | null;
  readonly expires_at: string;
  readonly revoked_at: string | null;
  readonly last_used_at: string | null;
}

export function adminTokenAnswer(row: AdminTokenEntity): AdminTokenAnswer {
  return {
    id: row.id,
    name: row.name,
    capabilities: row.capabilities,
    zones: row.zones,
    person: row.person,
    created_at: formatTime(row.createdAt.getTime()),
    created_by: row.createdBy,
    expires_at: formatTime(row.expiresAt.getTime()),
    revoked_at: row.revokedAt && formatTime(row.revokedAt.getTime()),
    last_used_at: row.lastUsedAt && formatTime(row.lastUsedAt.getTime()),
  };
}
