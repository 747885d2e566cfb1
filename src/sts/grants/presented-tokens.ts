import { Injectable } from '@nestjs/common';
import { OAuthError } from '../../kernel/oauth-error.js';
import { boundKey, type TokenClaims, TokenError, TokenVerifier } from '../../auth/index.js';
import { RuntimeState } from '../../coordinator/index.js';
import type { ExchangeRequest } from '../domain/exchange-request.js';
import { unusableToken } from '../domain/refusals.js';
import type { TokenRequest } from './grant.js';

/** The claims of the tokens that were presented and may be used by this client. */
export interface PresentedTokens {
  readonly subject: TokenClaims;
  readonly actor?: TokenClaims | undefined;
}

/** Verifies subject and actor tokens (RFC 8693 §2.1). One body answers every fault (§2.2.2); which it was goes to the log. */
@Injectable()
export class TokenPresentation {
  constructor(
    private readonly verifier: TokenVerifier,
    private readonly runtime: RuntimeState,
  ) {}

  async verify(request: TokenRequest, asked: ExchangeRequest): Promise<PresentedTokens> {
    const subject = await this.usable(request, asked.subjectToken);
    const actor = asked.actorToken === undefined ? undefined : await this.usable(request, asked.actorToken);
    return { subject, actor };
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
