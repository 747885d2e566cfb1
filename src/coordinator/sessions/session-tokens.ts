import { Inject, Injectable } from '@nestjs/common';
import { AppError } from '../../kernel/app-error.js';
import { CLOCK, type Clock } from '../../kernel/clock.js';
import { AuditLedger } from '../../audit/index.js';
import { ProofsOfPossession, type TokenClaims, TokenSigner } from '../../auth/index.js';
import type { ZoneView } from '../../control/index.js';
import { dpopChallenge, Unauthenticated } from '../../platform/http/index.js';
import { newUuid } from '../../platform/ids/index.js';
import { PublicUrls } from '../../platform/urls/index.js';
import { type LineageSource, lineageOf } from '../domain/delegations/authority.js';
import { sessionEntry } from '../domain/entries.js';
import { requireReach } from '../domain/sessions/reach.js';
import { ancestorTokens, fitsSessionToken, sessionTokenClaims } from '../domain/sessions/session-claims.js';
import { requireActive } from '../domain/sessions/session-start.js';
import type { SessionRecord } from '../domain/sessions/session.js';
import { RuntimeState } from '../state/runtime-state.js';
import { callerOf, initiatorOf, type RuntimeCall } from './runtime-call.js';

export interface IssuedToken {
  readonly token: string;
  /** Seconds. */
  readonly expiresIn: number;
}

/** Issues session tokens: claims first, then the ledger entry that names them, then the signature — if nothing was revoked meanwhile. */
@Injectable()
export class SessionTokens {
  constructor(
    private readonly runtime: RuntimeState,
    private readonly signer: TokenSigner,
    private readonly proofs: ProofsOfPossession,
    private readonly ledger: AuditLedger,
    private readonly urls: PublicUrls,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /**
   * A fresh token for a session that is active, to itself or its application; a session that is bound to a key needs the proof of that key and
   * stays bound. Throws `session_not_active`.
   */
  async refresh(call: RuntimeCall, id: string): Promise<IssuedToken> {
    const count = this.runtime.revocationCount(call.zone);
    const session = requireReach(callerOf(call), await this.runtime.session(call.zone, id), 'own');
    requireActive(session);
    this.requireSameKey(session, call);
    const { view } = await this.runtime.anchors(call.zone);
    const now = this.clock.now();
    const renewed = call.claims.sid === session.id;
    // Renewal is not derivation: a session that renews its own token for a day must not gather a day's tokens.
    const parents = renewed ? (call.claims.ptk ?? []) : ancestorTokens(call.claims);
    const claims = await this.prepare(session, { view, source: this.source(call.zone), now, parents });
    const token = { jti: claims.jti, exp: claims.exp };
    await this.ledger.append({
      ...sessionEntry('token', session, initiatorOf(call), { at: now, token }),
      zone: call.zone,
    });
    return this.release(claims, count);
  }

  /** The claims of a token for a session; throws when it holds no authority that could be named or ends too soon. */
  async prepare(
    session: SessionRecord,
    scene: { view: ZoneView; source: LineageSource; now: number; parents: readonly string[] },
  ): Promise<TokenClaims> {
    const { view, now, source, parents } = scene;
    const lineage = await lineageOf(source, { session: session.id }, now);
    const claims = sessionTokenClaims(session, lineage, {
      issuer: this.urls.issuer(view.slug),
      zone: view.slug,
      jti: newUuid(),
      now,
      seconds: view.settings.token_lifetimes.session_seconds,
      parents,
      applicationEnds: view.application(session.application)?.expiresAt,
    });
    if (!claims) throw new AppError('session_not_active', 'The session is about to end.');
    if (!fitsSessionToken(claims))
      throw new AppError('limit_exceeded', 'The session stands too deep to be named in a token.', {
        members: { limit: 'depth' },
      });
    return claims;
  }

  /** Signs what the ledger has, unless authority ended since `count` was read and this token's with it. */
  async release(claims: TokenClaims, count: number): Promise<IssuedToken> {
    await this.withholdEnded(claims, count);
    const token = await this.signer.sign(claims.zone, 'session', claims);
    // Signing takes a moment, too.
    await this.withholdEnded(claims, count);
    return { token, expiresIn: claims.exp - claims.iat };
  }

  private async withholdEnded(claims: TokenClaims, count: number): Promise<void> {
    const { zone } = claims;
    if (this.runtime.revocationCount(zone) === count) return;
    if ((await this.runtime.verdict(zone, claims, this.clock.now())) !== 'active')
      throw new AppError('session_not_active', 'The session was ended meanwhile.', { detail: 'withheld' });
  }

  private source(zone: string): LineageSource {
    return { session: (id) => this.runtime.session(zone, id), delegation: (id) => this.runtime.delegation(zone, id) };
  }

  /** A bound session's next token is for the holder of the same key (RFC 9449 §5). */
  private requireSameKey({ cnf }: SessionRecord, { zone, provenKey }: RuntimeCall): void {
    if (cnf === undefined || (provenKey !== undefined && cnf['jkt'] === provenKey)) return;
    const { algorithms } = this.proofs;
    const challenge = dpopChallenge({ realm: this.urls.issuer(zone), error: 'invalid_dpop_proof', algorithms });
    throw new Unauthenticated([challenge], 'no proof of the session’s key');
  }
}
