import { Injectable } from '@nestjs/common';
import { OAuthError } from '../../kernel/oauth-error.js';
import { boundKey, type FederatedUser, type TokenClaims, TokenError, TokenVerifier } from '../../auth/index.js';
import { RuntimeState, SubjectProofs } from '../../coordinator/index.js';
import type { ExchangeRequest } from '../domain/exchange-request.js';
import { unusableToken } from '../domain/refusals.js';
import type { TokenRequest } from './grant.js';

/** What was presented and may be used by this client: a token of ours, or a user's id_token with the token of who acts for them. */
export interface PresentedTokens {
  /** The user whose id_token is the subject token. */
  readonly user?: FederatedUser | undefined;
  /** Undefined when the subject is proved by an id_token. */
  readonly subject?: TokenClaims | undefined;
  readonly actor?: TokenClaims | undefined;
}

/** Verifies subject and actor tokens (RFC 8693 §2.1). One body answers every fault (§2.2.2); which it was goes to the log. */
@Injectable()
export class TokenPresentation {
  constructor(
    private readonly verifier: TokenVerifier,
    private readonly runtime: RuntimeState,
    private readonly proofs: SubjectProofs,
  ) {}

  async verify(request: TokenRequest, asked: ExchangeRequest): Promise<PresentedTokens> {
    if (asked.subjectKind === 'access_token') {
      const subject = await this.usable(request, asked.subjectToken);
      const actor = asked.actorToken === undefined ? undefined : await this.usable(request, asked.actorToken);
      return { subject, actor };
    }
    // The actor first: nobody without a token of ours makes the server ask an issuer for its keys.
    const actor = await this.usable(request, asked.actorToken ?? '');
    return { actor, user: await this.user(request, asked, actor) };
  }

  private async user(
    { zone, now, notes }: TokenRequest,
    { subjectToken, nonce }: ExchangeRequest,
    actor: TokenClaims,
  ): Promise<FederatedUser> {
    const verdict = await this.proofs.verify(
      zone,
      { idToken: subjectToken, nonce },
      { actor: { application: actor.client_id, session: actor.sid }, now },
    );
    if ('user' in verdict) return verdict.user;
    notes.add({ detail: { id_token: verdict.fault } });
    throw unusableToken(`the id_token: ${verdict.fault}`);
  }

  /** A live application or session token of this very client; mandates and control tokens are neither subject nor actor. */
  private async usable({ zone, client, key, now }: TokenRequest, token: string): Promise<TokenClaims> {
    const { claims } = await this.verified(zone.slug, token);
    if (claims.client_id !== client.application.id) throw unusableToken('the token belongs to another application');
    const verdict = await this.runtime.verdict(zone.slug, claims, now);
    if (verdict !== 'active') throw unusableToken(`the token is ${verdict}`);
    // A bound token without its proof must not become an unbound one, nor one bound to another key (RFC 9449 §5).
    if (claims.cnf !== undefined && boundKey(claims) !== key?.jkt)
      throw new OAuthError('invalid_dpop_proof', 'the token needs a proof of its key');
    return claims;
  }

  private async verified(zone: string, token: string): Promise<{ readonly claims: TokenClaims }> {
    try {
      return await this.verifier.verify(token, { zone, classes: ['application', 'session'] });
    } catch (error) {
      if (error instanceof TokenError) throw unusableToken(error.message);
      throw error;
    }
  }
}
