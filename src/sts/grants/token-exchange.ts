import { Injectable } from '@nestjs/common';
import type { JsonObject } from '../../kernel/json.js';
import { ACCESS_TOKEN_TYPE, EXCHANGE_PARAMETERS, readExchangeRequest } from '../domain/exchange-request.js';
import type { Grant, TokenRequest } from './grant.js';
import { Lineages } from './lineages.js';
import { Mandates } from './mandates.js';
import { TokenPresentation } from './presented-tokens.js';

/** Token exchange (RFC 8693): an application or session token, and optionally an actor's, for a mandate that is never wider than any of them. */
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
    request.notes.add({ subject: tokens.subject.sub, session: tokens.subject.sid, txn: tokens.subject.txn });
    const lineage = await this.lineages.of(request, tokens, asked.delegation);
    const parents = tokens.actor ? [tokens.subject, tokens.actor] : [tokens.subject];
    const answer = await this.mandates.grant(request, { ...asked, lineage, parents });
    return { ...answer, issued_token_type: ACCESS_TOKEN_TYPE };
  }
}
