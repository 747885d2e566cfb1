import { Inject, Injectable } from '@nestjs/common';
import { CLOCK, type Clock } from '../../kernel/clock.js';
import { epochSeconds } from '../../kernel/times.js';
import { Database } from '../../platform/database/index.js';
import { newUuid } from '../../platform/ids/index.js';
import type { TokenFault, TokenOutcome } from '../domain/upstream/token-answer.js';
import {
  assertionClaims,
  CALLER,
  clientCredentialsRequest,
  exchangeRequest,
  federatedName,
  jwtBearerRequest,
  refreshRequest,
} from '../domain/upstream/token-request.js';
import { getConnection } from '../persistence/connection-rows.js';
import { signAssertion } from './assertion-signing.js';
import { SealedTokens } from './sealed-tokens.js';
import { TokenEndpointClient, type UpstreamClient } from './token-endpoint-client.js';
import type { TokenPlace } from './token-place.js';

/** The code of an account that expires and cannot be renewed. */
export const NO_REFRESH_TOKEN = 'no_refresh_token';
const EXPIRED: TokenFault = { fault: 'spent', code: NO_REFRESH_TOKEN };
const ENDED: TokenFault = { fault: 'permanent', code: 'connection_ended' };
const UNKNOWN: TokenFault = { fault: 'permanent', code: 'unknown_kind' };

/** How each kind of provider obtains a token. */
@Injectable()
export class TokenGrants {
  constructor(
    private readonly endpoint: TokenEndpointClient,
    private readonly database: Database,
    private readonly sealed: SealedTokens,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** Asks the upstream's token endpoint once. */
  async request(place: TokenPlace): Promise<TokenOutcome> {
    const client: UpstreamClient = { settings: place.provider.settings, secret: place.secret() };
    switch (place.provider.view.kind) {
      case 'oauth2_client_credentials':
        return this.endpoint.token(client, clientCredentialsRequest(client.settings));
      case 'oauth2_jwt_bearer':
        return this.endpoint.token(client, jwtBearerRequest(client.settings, this.assertion(client, place)));
      case 'oauth2_token_exchange':
        return this.endpoint.token(client, exchangeRequest(client.settings, await subjectToken(place)));
      case 'oauth2_authorization_code':
        return this.refresh(client, place);
      default:
        return UNKNOWN;
    }
  }

  /** RFC 7523 §3: who vouches, for whom, before whom. */
  private assertion({ settings, secret }: UpstreamClient, { caller }: TokenPlace): string {
    const issuer = settings.text('assertion_issuer') ?? settings.clientId ?? '';
    const subject = settings.text('assertion_subject') ?? issuer;
    const who = {
      issuer,
      subject: subject === CALLER ? (federatedName(caller.claims) ?? '') : subject,
      audience: settings.text('assertion_audience') ?? settings.issuer ?? settings.tokenEndpoint,
    };
    const claims = assertionClaims(who, epochSeconds(this.clock.now()), newUuid());
    const scope = settings.scope === undefined ? {} : { scope: settings.scope };
    return signAssertion(secret, { kid: settings.keyId, alg: settings.algorithm }, { ...claims, ...scope });
  }

  private async refresh(client: UpstreamClient, { zone, key }: TokenPlace): Promise<TokenOutcome> {
    const row = await this.database.readZone(zone, (tx) => getConnection(tx, key.connection ?? ''));
    if (row.status !== 'active') return ENDED;
    if (row.refreshSealed === null) return EXPIRED;
    const token = this.sealed.openRefresh(zone, row.id, row.refreshVersion, row.refreshSealed);
    return this.endpoint.token(client, refreshRequest(client.settings, token));
  }
}

function subjectToken({ provider: { settings }, caller }: TokenPlace): Promise<string> {
  return caller.subjectToken(settings.text('subject_token_audience') ?? settings.issuer ?? settings.tokenEndpoint);
}
