import { OAuthError } from '../../kernel/oauth-error.js';
import { formatScope } from '../../kernel/scopes.js';
import type { Decision } from '../../policy/index.js';
import { invalidClient } from './presented-client.js';

type Refused = Exclude<Decision, { outcome: 'allow' }>;

/** What the token endpoint answers for a decision that is not `allow`. Policy alone answers `access_denied`. */
export function decisionRefusal(decision: Refused): OAuthError {
  switch (decision.outcome) {
    case 'refused':
      return decision.code === 'invalid_scope'
        ? new OAuthError('invalid_scope', 'the scope asked for exceeds what is held')
        : new OAuthError('invalid_target', 'nothing is held at a resource asked for');
    case 'denied':
      return new OAuthError('access_denied', 'policy denies the scope asked for', {
        members: { reason: decision.reasons[0] ?? 'no_permit', missing_scope: formatScope(decision.missing) },
      });
    case 'hold':
      // Where nobody can be asked: what an approval satisfied is not what stands in the way.
      return new OAuthError('access_denied', 'the scope asked for needs an approval', {
        members: { reason: 'forbidden', missing_scope: formatScope(decision.held) },
      });
  }
}

/** The reasons that the ledger keeps for a decision that is not `allow`. */
export function decisionReasons(decision: Refused): readonly string[] {
  if (decision.outcome === 'refused') return [decision.code];
  return decision.outcome === 'denied' ? decision.reasons : ['approval_required'];
}

/** One answer for any bad, expired, revoked or foreign subject or actor token (RFC 8693 §2.2.2). */
export function unusableToken(detail: string): OAuthError {
  return new OAuthError('invalid_request', 'the subject or actor token cannot be used', { detail });
}

/**
 * A proof that was used before: one of the client (RFC 7523 §3), one of possession (RFC 9449 §11.1), or one of who the subject is. `lost` are kinds of
 * ledger claims.
 */
export function replayedProof(lost: readonly string[]): OAuthError {
  if (lost.includes('dpop')) return new OAuthError('invalid_dpop_proof', 'the proof was used before');
  return lost.includes('id_token') && !lost.includes('client_assertion')
    ? unusableToken('the id_token was used before')
    : invalidClient('the assertion was used before');
}

/** The zone's kill switch is on; this and policy are the only reasons for `access_denied`. */
export function stoppedZone(): OAuthError {
  return new OAuthError('access_denied', 'the zone is stopped', { members: { reason: 'zone_killed' } });
}
