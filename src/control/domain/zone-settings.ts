import type { ApprovalPrivacy } from './approvals/privacy-mode.js';
import { DEFAULT_SESSION_LIMITS, type SessionLimits } from './session-limits.js';

/** How long tokens live when nobody asks for less; never above the cap of their class. */
export interface TokenLifetimes {
  readonly application_seconds: number;
  readonly session_seconds: number;
  readonly mandate_seconds: number;
}

/** What an administrator may set on a zone, complete: what was not set has its default. Names are those of the wire. */
export interface ZoneSettings {
  readonly limits: SessionLimits;
  readonly token_lifetimes: TokenLifetimes;
  /** How long a service session that missed its lease stays suspended before it is terminated. */
  readonly grace_seconds: number;
  /** A session with a user as subject ends at most this long after the `iat` of the id_token. */
  readonly subject_session_cap_seconds: number;
  /** How long a hold waits for its decision; without it the approver's class decides. */
  readonly hold_ttl_seconds?: number;
  /** What those who decide approvals may see of them. */
  readonly approval_privacy: ApprovalPrivacy;
  /** Whether a DPoP proof must carry a nonce of ours (RFC 9449 §8). */
  readonly dpop_nonce: 'off' | 'required';
  readonly signing_alg: 'ES256' | 'EdDSA';
  /** How long a key signs before the next one takes over by itself; without it 90 days. */
  readonly key_rotation_days?: number;
  readonly public_log: boolean;
  /** The ledger is exported so often, each time from where the last export ended; without it, never. */
  readonly export_every_hours?: number;
  /** When a tree of sessions is suspended as a runaway; what is absent trips nothing. */
  readonly breaker: BreakerThresholds;
  /** Whether a root session must name the person who answers for it. */
  readonly sponsor: 'optional' | 'required';
}

/** Limits of a tree of sessions that end in its suspension, not in a refusal. */
export interface BreakerThresholds {
  readonly depth?: number;
  /** Children of one session. */
  readonly fan_out?: number;
  readonly spawns_per_minute?: number;
  /** Calls through the gateway, per replica. */
  readonly calls_per_minute?: number;
  readonly refusals_per_minute?: number;
}

/** What is stored: only what somebody set. */
export type StoredZoneSettings = {
  readonly [Name in keyof ZoneSettings]?: Name extends 'limits' | 'token_lifetimes'
    ? Partial<ZoneSettings[Name]>
    : ZoneSettings[Name];
};

const DEFAULT_TOKEN_LIFETIMES: TokenLifetimes = {
  application_seconds: 900,
  session_seconds: 900,
  mandate_seconds: 300,
};

/** The settings that hold for what is stored. A default that changes in a later version changes for every zone that did not set it. */
export function zoneSettings(stored: StoredZoneSettings): ZoneSettings {
  return {
    grace_seconds: 600,
    subject_session_cap_seconds: 86_400,
    approval_privacy: 'full',
    dpop_nonce: 'off',
    signing_alg: 'ES256',
    public_log: false,
    breaker: {},
    sponsor: 'optional',
    ...stored,
    limits: { ...DEFAULT_SESSION_LIMITS, ...stored.limits },
    token_lifetimes: { ...DEFAULT_TOKEN_LIFETIMES, ...stored.token_lifetimes },
  };
}
