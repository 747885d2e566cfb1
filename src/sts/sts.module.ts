import { Global, Module } from '@nestjs/common';
import { AuditModule } from '../audit/index.js';
import { AuthModule } from '../auth/index.js';
import { ControlModule } from '../control/index.js';
import { CoordinatorModule } from '../coordinator/index.js';
import { AUTHORITY_FACTS, PolicyModule } from '../policy/index.js';
import { MandateFacts } from './authority-facts.js';
import { BackchannelEndpoint } from './approvals/backchannel.js';
import { Petitions } from './approvals/petitions.js';
import { CibaGrant } from './grants/ciba.js';
import { type Grant, GRANTS } from './grants/grant.js';
import { MandateApprovals } from './approvals/mandate-approvals.js';
import { CallerAuthentication } from './caller-authentication.js';
import { ClientProofs } from './client-proofs.js';
import { ClientAuthentication } from './clients/client-authentication.js';
import { ClientKeys } from './clients/client-keys.js';
import { SessionClients } from './clients/session-clients.js';
import { ClientCredentialsGrant } from './grants/client-credentials.js';
import { Issuance } from './grants/issuance.js';
import { Lineages } from './grants/lineages.js';
import { Mandates } from './grants/mandates.js';
import { TokenPresentation } from './grants/presented-tokens.js';
import { TokenBases } from './grants/token-bases.js';
import { TokenExchangeGrant } from './grants/token-exchange.js';
import { AdminConnectionsController } from './http/admin-connections.controller.js';
import { AdminProviderCheckController } from './http/admin-provider-check.controller.js';
import { ConnectCallbackController } from './http/connect-callback.controller.js';
import { MetadataController } from './http/metadata.controller.js';
import { OAuthController } from './http/oauth.controller.js';
import { Introspection } from './introspection.js';
import { ConnectionRevocation, UpstreamParts } from './jobs/connection-revocation.js';
import { RefusalRecord } from './refusal-record.js';
import { TokenRevocation } from './revocation.js';
import { TokenCallers } from './token-callers.js';
import { TokenEndpoint } from './token-endpoint.js';
import { TokenInspection } from './token-inspection.js';
import { TokenQuestions } from './token-questions.js';
import { ConnectFlow } from './upstream/connect-flow.js';
import { ConnectionIndex } from './upstream/connection-index.js';
import { ConnectionRecords } from './upstream/connection-records.js';
import { Connections } from './upstream/connections.js';
import { ProviderCheck } from './upstream/provider-check.js';
import { SealedTokens } from './upstream/sealed-tokens.js';
import { TokenEndpointClient } from './upstream/token-endpoint-client.js';
import { TokenGrants } from './upstream/token-grants.js';
import { TokenRenewal } from './upstream/token-renewal.js';
import { UpstreamTokens } from './upstream/upstream-tokens.js';

/** Connections and the tokens that the gateway carries upstream. */
const UPSTREAM = [
  ConnectFlow,
  ConnectionIndex,
  ConnectionRecords,
  ConnectionRevocation,
  Connections,
  ProviderCheck,
  SealedTokens,
  TokenEndpointClient,
  TokenGrants,
  TokenRenewal,
  UpstreamParts,
  UpstreamTokens,
];

/** The authorization server. Global, because policies are asked about what it would decide. */
@Global()
@Module({
  imports: [AuditModule, AuthModule, PolicyModule, ControlModule, CoordinatorModule],
  controllers: [
    OAuthController,
    MetadataController,
    AdminConnectionsController,
    AdminProviderCheckController,
    ConnectCallbackController,
  ],
  providers: [
    CallerAuthentication,
    ClientAuthentication,
    ClientKeys,
    SessionClients,
    TokenCallers,
    ClientProofs,
    RefusalRecord,
    TokenEndpoint,
    ClientCredentialsGrant,
    TokenExchangeGrant,
    TokenPresentation,
    Lineages,
    Mandates,
    MandateApprovals,
    Petitions,
    BackchannelEndpoint,
    CibaGrant,
    {
      provide: GRANTS,
      inject: [ClientCredentialsGrant, TokenExchangeGrant, CibaGrant],
      useFactory: (...grants: Grant[]) => grants,
    },
    Issuance,
    TokenBases,
    Introspection,
    TokenRevocation,
    TokenInspection,
    TokenQuestions,
    ...UPSTREAM,
    MandateFacts,
    { provide: AUTHORITY_FACTS, useExisting: MandateFacts },
  ],
  exports: [UpstreamTokens, AUTHORITY_FACTS],
})
export class StsModule {}
