import { Injectable } from '@nestjs/common';
import { type TokenClaims, TokenError, TokenVerifier } from '../auth/index.js';

/** Reads tokens of every class that this issuer signed, for endpoints that are asked about tokens instead of being called with them. */
@Injectable()
export class TokenInspection {
  constructor(private readonly verifier: TokenVerifier) {}

  /** The claims of a token whose signature and times are right; undefined for anything else, whatever it is. It says nothing about revocation. */
  async claims(zone: string, token: string): Promise<TokenClaims | undefined> {
    try {
      return (
        await this.verifier.verify(token, {
          zone,
          classes: ['application', 'session', 'mandate', 'upstream', 'control'],
        })
      ).claims;
    } catch (error) {
      if (error instanceof TokenError) return undefined;
      throw error;
    }
  }
}
