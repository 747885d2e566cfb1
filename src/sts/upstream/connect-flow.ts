import { Injectable } from '@nestjs/common';
import { Catalogue, ProviderSecrets, type ProviderView } from '../../control/index.js';
import { Database } from '../../platform/database/index.js';
import { PublicUrls } from '../../platform/urls/index.js';
import { type CallbackParameters, readCallback, stateHash, zoneOfState } from '../domain/upstream/connection-state.js';
import { basisOf } from '../domain/upstream/provider-settings.js';
import type { IssuedToken } from '../domain/upstream/token-answer.js';
import { codeRequest } from '../domain/upstream/token-request.js';
import type { ConnectionEntity } from '../persistence/connection.entity.js';
import { lockByState, updateConnection } from '../persistence/connection-rows.js';
import { ConnectionRecords } from './connection-records.js';
import { callbackUrl } from './connections.js';
import { SealedTokens } from './sealed-tokens.js';
import { TokenEndpointClient, type UpstreamClient } from './token-endpoint-client.js';
import { readyProvider } from './token-place.js';

/** How a connect flow ended, in a stable word. */
export type ConnectOutcome = 'connected' | 'unknown_state' | (string & {});

/** The way back of a connect flow. The state is taken before anything else is looked at, so each is good for one answer, right or wrong. */
@Injectable()
export class ConnectFlow {
  constructor(
    private readonly database: Database,
    private readonly catalogue: Catalogue,
    private readonly secrets: ProviderSecrets,
    private readonly endpoint: TokenEndpointClient,
    private readonly records: ConnectionRecords,
    private readonly sealed: SealedTokens,
  ) {}

  /** Ends the flow whose `state` came back. */
  async complete(state: unknown, parameters: CallbackParameters, urls: PublicUrls): Promise<ConnectOutcome> {
    const zone = zoneOfState(state);
    const view = zone === undefined ? undefined : await this.catalogue.zone(zone);
    if (!view || view.status === 'archived') return 'unknown_state';
    const row = await this.take(view.slug, state as string);
    if (!row) return 'unknown_state';
    const outcome = await this.finish(view.provider(row.provider), row, { parameters, redirectUri: callbackUrl(urls) });
    if (outcome !== 'connected') await this.records.break(view.slug, row.id, outcome);
    return outcome;
  }

  private take(zone: string, state: string): Promise<ConnectionEntity | undefined> {
    return this.database.withZone(zone, async (tx) => {
      const row = await lockByState(tx, stateHash(state));
      if (!row) return undefined;
      await updateConnection(tx, row.id, { stateHash: null });
      // By the database's clock, like everything that several replicas compare.
      const [due] = await tx.query<{ late: boolean }>('SELECT $1::timestamptz < clock_timestamp() AS late', [
        row.pendingUntil,
      ]);
      return due?.late === false ? row : undefined;
    });
  }

  private async finish(
    provider: ProviderView | undefined,
    row: ConnectionEntity,
    answer: { readonly parameters: CallbackParameters; readonly redirectUri: string },
  ): Promise<ConnectOutcome> {
    if (provider?.status !== 'active' || row.verifierSealed === null) return 'provider_archived';
    const { settings, scopes } = readyProvider(provider);
    const callback = readCallback(answer.parameters, settings.issuer);
    if ('refused' in callback) return callback.refused;
    const verifier = this.sealed.openVerifier(row.zone, row.id, row.verifierSealed);
    const client: UpstreamClient = { settings, secret: this.secrets.open(row.zone, provider) };
    const { redirectUri } = answer;
    const outcome = await this.endpoint.token(
      client,
      codeRequest(settings, { code: callback.code, redirectUri, verifier }),
    );
    if ('fault' in outcome) return outcome.code;
    const key = {
      provider: provider.id,
      subject: row.subject ?? '',
      scopes,
      basis: basisOf(provider, row.id),
      connection: row.id,
    };
    const { expiresIn } = outcome.token;
    const lifeMs = expiresIn === undefined ? undefined : expiresIn * 1_000;
    if (await this.records.connect(row.zone, row.id, key, { issued: outcome.token, lifeMs })) return 'connected';
    await this.giveBack(client, outcome.token);
    return 'revoked_meanwhile';
  }

  /** What was obtained for a connection that nobody wants any more is not left alive. */
  private async giveBack(client: UpstreamClient, { refreshToken, accessToken }: IssuedToken): Promise<void> {
    const token =
      refreshToken === undefined
        ? ({ value: accessToken, hint: 'access_token' } as const)
        : ({ value: refreshToken, hint: 'refresh_token' } as const);
    await this.endpoint.revoke(client, token);
  }
}
