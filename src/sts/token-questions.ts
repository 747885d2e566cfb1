import { Inject, Injectable } from '@nestjs/common';
import { CLOCK, type Clock } from '../kernel/clock.js';
import type { TokenClaims } from '../auth/index.js';
import { type AuthenticatedCall, CallerAuthentication, type OAuthCall } from './caller-authentication.js';
import { ClientProofs } from './client-proofs.js';
import { Parameters } from './domain/parameters.js';
import { RefusalRecord } from './refusal-record.js';
import { TokenInspection } from './token-inspection.js';

/** A question of an authenticated client about a token, as introspection and revocation are asked it. */
export interface TokenQuestion extends AuthenticatedCall {
  /** Undefined when the token is none of ours or is over. */
  readonly claims: TokenClaims | undefined;
  readonly now: number;
}

/** The steps that introspection and revocation share: authenticate, require a token, spend the proof, read the token. A wrong hint is ignored. */
@Injectable()
export class TokenQuestions {
  constructor(
    @Inject(CLOCK) private readonly clock: Clock,
    private readonly callers: CallerAuthentication,
    private readonly proofs: ClientProofs,
    private readonly tokens: TokenInspection,
    private readonly refusals: RefusalRecord,
  ) {}

  async answer<T>(call: OAuthCall, answer: (question: TokenQuestion) => Promise<T>): Promise<T> {
    const now = this.clock.now();
    const caller = await this.callers.authenticate(call, now);
    try {
      const token = new Parameters(call.form, { single: ['token', 'token_type_hint'], repeatable: [] }).required(
        'token',
      );
      await this.proofs.spend(caller);
      const claims = await this.tokens.claims(caller.zone.slug, token);
      return await answer({ ...caller, claims, now });
    } catch (error) {
      throw await this.refusals.record(error, caller.notes, caller.client.once);
    }
  }
}
