import { Injectable } from '@nestjs/common';
import type { JsonObject } from '../../kernel/json.js';
import { ACCESS_TOKEN_TYPE, EXCHANGE_PARAMETERS, readExchangeRequest } from '../domain/exchange-request.js';
import type { Grant, TokenRequest } from './grant.js';
import { Lineages } from './lineages.js';
import { Mandates } from './mandates.js';
import { TokenPresentation } from './presented-tokens.js';

/**
 * Token exchange (RFC 8693): an application or session token, and optionally an actor's, or a user's id_token with the token of who acts for them, for a
 * mandate that is never wider than any of them.
 */
@Injectable()
export class TokenExchangeGrant implements Grant {
  readonly grantType = 'urn:ietf:params:oauth:grant-type:token-exchange';
  readonly parameters = EXCHANGE_PARAMETERS;

  constructor(
    private readonly presentation: TokenPresentation,
    private readonly lineages: Lineages,
    private readonly mandates: Mandates,
  ) {}

  async handle(request: TokenRequest): Promise<JsonObject> {
    const asked = readExchangeRequest(request.parameters);
    const tokens = await this.presentation.verify(request, asked);
    const parents = [tokens.subject, tokens.actor].filter((claims) => claims !== undefined);
    const { user } = tokens;
    request.notes.add({ subject: user?.subject ?? parents[0]?.sub, session: parents[0]?.sid, txn: parents[0]?.txn });
    const lineage = await this.lineages.of(request, tokens, asked.delegation);
    const once = user ? [...request.once, user.once] : request.once;
    const answer = await this.mandates.grant({ ...request, once }, { lineage, parents, user, ...asked });
    return { ...answer, issued_token_type: ACCESS_TOKEN_TYPE };
  }
}
