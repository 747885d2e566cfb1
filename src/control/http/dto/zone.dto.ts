import { Type } from 'class-transformer';
import { IsBoolean, IsIn, ValidateNested } from 'class-validator';
import { APPROVAL_PRIVACIES, type ApprovalPrivacy } from '../../domain/approvals/privacy-mode.js';
import { Clearable, IsName, IsSlug, IsText, IsWhole, Optional } from './rules.js';
import { BreakerDto, ZoneLimitsDto } from './session-limits.dto.js';

export class TokenLifetimesDto {
  @Optional()
  @IsWhole(60, 3_600)
  application_seconds?: number;

  @Optional()
  @IsWhole(60, 900)
  session_seconds?: number;

  @Optional()
  @IsWhole(5, 900)
  mandate_seconds?: number;
}

/** What may be set on a zone; null goes back to the default. */
export class ZoneSettingsDto {
  @Clearable()
  @ValidateNested()
  @Type(() => ZoneLimitsDto)
  limits?: ZoneLimitsDto | null;

  @Clearable()
  @ValidateNested()
  @Type(() => TokenLifetimesDto)
  token_lifetimes?: TokenLifetimesDto | null;

  @Clearable()
  @IsWhole(0, 86_400)
  grace_seconds?: number | null;

  @Clearable()
  @IsWhole(60, 604_800)
  subject_session_cap_seconds?: number | null;

  @Clearable()
  @IsWhole(1, 86_400)
  hold_ttl_seconds?: number | null;

  /** What those who decide approvals may see of them; a resource may be stricter. */
  @Clearable()
  @IsIn(APPROVAL_PRIVACIES)
  approval_privacy?: ApprovalPrivacy | null;

  @Clearable()
  @IsIn(['off', 'required'])
  dpop_nonce?: 'off' | 'required' | null;

  @Clearable()
  @IsWhole(1, 3_650)
  key_rotation_days?: number | null;

  @Clearable()
  @ValidateNested()
  @Type(() => BreakerDto)
  breaker?: BreakerDto | null;

  /** Whether a root session must name the person who answers for it. */
  @Clearable()
  @IsIn(['optional', 'required'])
  sponsor?: 'optional' | 'required' | null;

  @Clearable()
  @IsBoolean()
  public_log?: boolean | null;

  /** Exports the ledger so often, each time from where the last export ended. */
  @Clearable()
  @IsWhole(1, 8_760)
  export_every_hours?: number | null;
}

export class CreateZoneDto extends ZoneSettingsDto {
  @IsSlug()
  slug!: string;

  @IsName()
  name!: string;

  /** The algorithm of the zone's first keys (RFC 7518 §3.1, RFC 8037 §3.1). */
  @Optional()
  @IsIn(['ES256', 'EdDSA'])
  signing_alg?: 'ES256' | 'EdDSA';
}

export class PatchZoneDto extends ZoneSettingsDto {
  @Optional()
  @IsName()
  name?: string;
}

export class KillZoneDto {
  @Optional()
  @IsText(500)
  reason?: string;
}
