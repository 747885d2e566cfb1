import { Inject, Injectable } from '@nestjs/common';
import { AppError } from '../../kernel/app-error.js';
import { CLOCK, type Clock } from '../../kernel/clock.js';
import { type ParsedJws, parseJws } from '../../kernel/jose/jws.js';
import { signedByOne } from '../../kernel/jose/signatures.js';
import type { JsonObject } from '../../kernel/json.js';
import { userSubject } from '../../kernel/subjects.js';
import { epochSeconds } from '../../kernel/times.js';
import type { OnceClaim } from '../../audit/index.js';
import { EgressClient } from '../../platform/egress/index.js';
import {
  checkIdTokenClaims,
  type IdTokenClaims,
  type IdTokenFault,
  idTokenHeaderFault,
  type TrustedIssuer,
} from './domain/check-id-token.js';
import { type ActingParty, mayAct } from './domain/may-act.js';
import { ProviderKeys } from './provider-keys.js';

/** A federated user who is known by an id_token, which works once. */
export interface FederatedUser {
  /** `user:<issuer id>:<sub>` */
  readonly subject: string;
  /** Milliseconds: when what rests on the id_token alone must end, by its own `exp`. */
  readonly expiresAt: number;
  /** Milliseconds: when a session that it opens must have ended, by the zone's cap after its `iat`. */
  readonly sessionEnd: number;
  /** The subject's epoch when the id_token was found good: what is made with it is minted under no later one. */
  readonly epoch: number;
  /** To be taken with the ledger entry of what the id_token is used for. */
  readonly once: OnceClaim;
}

export interface IdTokenQuestion {
  readonly token: string;
  readonly nonce?: string | undefined;
  /** Milliseconds. */
  readonly now: number;
  /** The zone's `subject_session_cap_seconds`. */
  readonly capSeconds: number;
  /** Who will act for the user. */
  readonly actor: ActingParty;
  /** The zone's issuer of this name, if it has one. */
  readonly issuer: (issuer: string) => TrustedIssuer | undefined;
  readonly standing: (subject: string) => SubjectStanding;
}

/** What is known of a subject that was, or was not, revoked. */
export interface SubjectStanding {
  readonly epoch: number;
  /** The last time, in milliseconds. */
  readonly revokedAt?: number | undefined;
}

/** The largest cap that a zone may set: what was used is remembered for at least that long after its `iat`. */
const LONGEST_CAP_SECONDS = 604_800;
const GRACE_SECONDS = 10;

/** Verifies id_tokens of the OpenID providers that a zone trusts. Stateless but for their keys: that a token works once is the claim it comes with. */
@Injectable()
export class IdTokens {
  private readonly keys: ProviderKeys;

  constructor(egress: EgressClient, @Inject(CLOCK) clock: Clock) {
    this.keys = new ProviderKeys(egress, () => clock.monotonic());
  }

  /** Who the token is about, or why it is not accepted. Throws `temporarily_unavailable` when the provider's keys cannot be had. */
  async verify(
    question: IdTokenQuestion,
  ): Promise<{ readonly user: FederatedUser } | { readonly fault: IdTokenFault }> {
    const jws = parseJws(question.token);
    if (!jws) return { fault: 'malformed' };
    const iss = jws.claims['iss'];
    const issuer = typeof iss === 'string' ? question.issuer(iss) : undefined;
    if (!issuer) return { fault: 'issuer' };
    const checked = checkStatelessly(jws, issuer, question);
    if ('fault' in checked) return checked;
    if (!(await this.isSigned(jws, issuer))) return { fault: 'signature' };
    const subject = userSubject(issuer.id, checked.claims.user);
    const standing = question.standing(subject);
    if (isRevoked(checked.claims, standing)) return { fault: 'revoked' };
    return { user: { subject, epoch: standing.epoch, ...bounds(jws, checked.claims, question) } };
  }

  /** A key that the header names and nobody knows has the keys fetched again; a wrong signature under a known key does not. */
  private async isSigned(jws: ParsedJws, { issuer, algorithms }: TrustedIssuer): Promise<boolean> {
    const { kid } = jws.header;
    const isSigned = (keys: readonly JsonObject[]): boolean => signedByOne(jws, keys, algorithms);
    const knows = (keys: readonly JsonObject[]): boolean =>
      kid === undefined ? isSigned(keys) : keys.some((key) => key['kid'] === undefined || key['kid'] === kid);
    const keys = await this.keys.of(issuer, knows);
    if (!keys)
      throw new AppError('temporarily_unavailable', 'The keys of the subject issuer cannot be had.', {
        detail: 'issuer_unreachable',
        retryAfter: 5,
      });
    return isSigned(keys);
  }
}

function checkStatelessly(
  jws: ParsedJws,
  issuer: TrustedIssuer,
  { nonce, capSeconds, now, actor }: IdTokenQuestion,
): { readonly claims: IdTokenClaims } | { readonly fault: IdTokenFault } {
  const header = idTokenHeaderFault(jws.header, issuer.algorithms);
  if (header) return { fault: header };
  const checked = checkIdTokenClaims(jws.claims, { issuer, nonce, capSeconds, now: epochSeconds(now) });
  if ('fault' in checked || mayAct(checked.claims.mayAct, actor)) return checked;
  return { fault: 'may_act' };
}

/** What works once is what was signed: of some signatures there is a second form that verifies as well. */
function bounds(
  jws: ParsedJws,
  { iat, exp }: IdTokenClaims,
  { capSeconds }: IdTokenQuestion,
): Pick<FederatedUser, 'expiresAt' | 'sessionEnd' | 'once'> {
  const forgetAt = Math.min(exp, iat + LONGEST_CAP_SECONDS) + GRACE_SECONDS;
  return {
    expiresAt: exp * 1000,
    sessionEnd: (iat + capSeconds) * 1000,
    once: { kind: 'id_token', key: jws.signed.toString('ascii'), expiresAt: forgetAt * 1000 },
  };
}

/** Whole seconds cannot tell what came first within one: an id_token from the second of the revocation is from before it. */
function isRevoked({ iat }: IdTokenClaims, { revokedAt }: SubjectStanding): boolean {
  return revokedAt !== undefined && iat * 1000 < revokedAt;
}
