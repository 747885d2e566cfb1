import { Global, Module, type Provider } from '@nestjs/common';
import { AuditedChanges, AuditLedger, LedgerReader, LogIdentity, LogReader } from '../audit/index.js';
import { CLIENT_SECRET_MAC, KeyRing, ZONE_DIRECTORY, type ClientSecretMac } from '../auth/index.js';
import { CLOCK, type Clock } from '../kernel/clock.js';
import { ChangeFeed } from '../platform/changes/index.js';
import { Database } from '../platform/database/index.js';
import { APP_CONFIG, type AppConfig } from '../platform/config/index.js';
import { EgressGuard } from '../platform/egress/index.js';
import { Readiness } from '../platform/health/index.js';
import { Queues } from '../platform/queue/index.js';
import { Replicas } from '../platform/replicas/index.js';
import { Envelope } from '../platform/secrets/index.js';
import { CONTROL_GATE } from '../platform/http/index.js';
import { APP_LOGGER, type AppLogger } from '../platform/logging/index.js';
import { PolicyModule } from '../policy/index.js';
import { PublicUrls } from '../platform/urls/index.js';
import { AdminChanges } from './admin-changes.js';
import { Applications } from './applications.js';
import { APPROVAL_PROVIDERS } from './approvals/approval-providers.js';
import { ApprovalDecisions } from './approvals/approval-decisions.js';
import { ApprovalUse } from './approvals/approval-use.js';
import { ApprovalView } from './approvals/approval-view.js';
import { Holds } from './approvals/holds.js';
import { Catalogue } from './catalogue/catalogue.js';
import { CatalogueZones } from './catalogue/catalogue-zones.js';
import { ProviderSecrets } from './catalogue/provider-secrets.js';
import { CONFIG_PROVIDERS } from './config/config-providers.js';
import { Credentials } from './credentials.js';
import { DeadLettersController } from './delivery/http/dead-letters.controller.js';
import { WebhooksController } from './delivery/http/webhooks.controller.js';
import { DELIVERY_PROVIDERS } from './delivery/providers.js';
import { Grants } from './grants.js';
import { AdminAuditController } from './http/admin-audit.controller.js';
import { ApprovalPageController } from './http/approvals/page/approval-page.controller.js';
import { ApprovalStreamController } from './http/approvals/approval-stream.controller.js';
import { ApprovalsController } from './http/approvals/approvals.controller.js';
import { ApplicationsController } from './http/applications.controller.js';
import { AuditController } from './http/audit.controller.js';
import { ExportsController } from './http/audit/exports.controller.js';
import { LogController } from './http/audit/log.controller.js';
import { RetentionController } from './http/audit/retention.controller.js';
import { SweepsController } from './http/audit/sweeps.controller.js';
import { PublicLogController } from './http/audit/public-log.controller.js';
import { ConfigController } from './config/http/config.controller.js';
import { CredentialsController } from './http/credentials.controller.js';
import { GrantsController } from './http/grants.controller.js';
import { ProtectController } from './http/protect.controller.js';
import { ProvidersController } from './http/providers.controller.js';
import { ResourcesController } from './http/resources.controller.js';
import { SubjectIssuersController } from './http/subject-issuers.controller.js';
import { SystemController } from './http/system.controller.js';
import { ZonesController } from './http/zones.controller.js';
import { CommandCatalogue } from './invoke/command-catalogue.js';
import { ControlController } from './invoke/control.controller.js';
import { ControlGate } from './invoke/control-gate.js';
import { ControlInvocation } from './invoke/control-invocation.js';
import { ControlResource } from './invoke/control-resource.js';
import { InvocationRates } from './invoke/invocation-rates.js';
import { CONTROL_DECISION, type ControlDecision } from './invoke/ports.js';
import { KillSwitch } from './kill-switch.js';
import { LedgerTail } from './http/audit/ledger-tail.js';
import { Protection } from './protection.js';
import { Providers } from './providers.js';
import { ResourceReferences } from './resource-references.js';
import { Resources } from './resources.js';
import { RollbackAcknowledgement } from './rollback-acknowledgement.js';
import { SubjectIssuers } from './subject-issuers.js';
import { SystemReport } from './system-report.js';
import { Zones } from './zones.js';

const readModel: Provider[] = [
  {
    provide: Catalogue,
    inject: [Database, ChangeFeed, PublicUrls],
    useFactory: (database: Database, feed: ChangeFeed, urls: PublicUrls) => new Catalogue({ database, feed, urls }),
  },
  { provide: ProviderSecrets, inject: [Envelope], useFactory: (envelope: Envelope) => new ProviderSecrets(envelope) },
  { provide: ZONE_DIRECTORY, inject: [Catalogue], useFactory: (catalogue: Catalogue) => new CatalogueZones(catalogue) },
  { provide: KillSwitch, useFactory: () => new KillSwitch() },
];

const invoke: Provider[] = [
  ControlGate,
  { provide: CONTROL_GATE, useExisting: ControlGate },
  CommandCatalogue,
  ControlResource,
  {
    provide: InvocationRates,
    inject: [CLOCK],
    useFactory: (clock: Clock) => new InvocationRates(() => clock.monotonic()),
  },
  {
    provide: ControlInvocation,
    inject: [CommandCatalogue, Catalogue, AuditLedger, InvocationRates, CONTROL_DECISION, PublicUrls, CLOCK],
    useFactory: (
      ...[commands, zones, ledger, rates, decision, urls, clock]: [
        CommandCatalogue,
        Catalogue,
        AuditLedger,
        InvocationRates,
        ControlDecision,
        PublicUrls,
        Clock,
      ]
    ) => new ControlInvocation(commands, zones, ledger, rates, decision, { urls, clock }),
  },
];

const administration: Provider[] = [
  {
    provide: LedgerTail,
    inject: [LedgerReader, Readiness, APP_LOGGER],
    useFactory: (ledger: LedgerReader, readiness: Readiness, log: AppLogger) => {
      const tail = new LedgerTail(ledger, (error) => log.warn({ err: error }, 'a reader of the ledger was let go'));
      readiness.onShutDown(() => tail.close());
      return tail;
    },
  },
  {
    provide: AdminChanges,
    inject: [AuditedChanges, CLOCK],
    useFactory: (changes: AuditedChanges, clock: Clock) => new AdminChanges(changes, clock),
  },
  {
    provide: SystemReport,
    inject: [Database, Queues, Replicas, ChangeFeed, Readiness, APP_CONFIG],
    useFactory: (
      ...[database, queues, replicas, feed, readiness, config]: [
        Database,
        Queues,
        Replicas,
        ChangeFeed,
        Readiness,
        AppConfig,
      ]
    ) => new SystemReport({ database, queues, replicas, feed, readiness, config }),
  },
  {
    provide: ResourceReferences,
    inject: [Database, EgressGuard],
    useFactory: (database: Database, egress: EgressGuard) => new ResourceReferences(database, egress),
  },
  {
    provide: Zones,
    inject: [Database, AdminChanges, Catalogue, KillSwitch, KeyRing, LogIdentity, PublicUrls, ControlResource],
    useFactory: (
      ...[database, changes, catalogue, killSwitch, keys, logs, urls, control]: [
        Database,
        AdminChanges,
        Catalogue,
        KillSwitch,
        KeyRing,
        LogIdentity,
        PublicUrls,
        ControlResource,
      ]
    ) => new Zones({ database, changes, catalogue, killSwitch, keys, logs, urls, control }),
  },
  {
    provide: Applications,
    inject: [Database, AdminChanges, KillSwitch],
    useFactory: (database: Database, changes: AdminChanges, killSwitch: KillSwitch) =>
      new Applications({ database, changes, killSwitch }),
  },
  {
    provide: Credentials,
    inject: [Database, AdminChanges, KillSwitch, EgressGuard, CLIENT_SECRET_MAC],
    useFactory: (
      ...[database, changes, killSwitch, egress, secretMac]: [
        Database,
        AdminChanges,
        KillSwitch,
        EgressGuard,
        ClientSecretMac,
      ]
    ) => new Credentials({ database, changes, killSwitch, egress, secretMac }),
  },
  {
    provide: Providers,
    inject: [Database, AdminChanges, ProviderSecrets, EgressGuard, KillSwitch],
    useFactory: (
      ...[database, changes, secrets, egress, killSwitch]: [
        Database,
        AdminChanges,
        ProviderSecrets,
        EgressGuard,
        KillSwitch,
      ]
    ) => new Providers({ database, changes, secrets, egress, killSwitch }),
  },
  {
    provide: Resources,
    inject: [Database, AdminChanges, ResourceReferences, PublicUrls],
    useFactory: (...[database, changes, references, urls]: [Database, AdminChanges, ResourceReferences, PublicUrls]) =>
      new Resources({ database, changes, references, urls }),
  },
  {
    provide: Grants,
    inject: [Database, AdminChanges, CommandCatalogue],
    useFactory: (database: Database, changes: AdminChanges, commands: CommandCatalogue) =>
      new Grants(database, changes, commands),
  },
  {
    provide: SubjectIssuers,
    inject: [Database, AdminChanges, EgressGuard],
    useFactory: (database: Database, changes: AdminChanges, egress: EgressGuard) =>
      new SubjectIssuers(database, changes, egress),
  },
  {
    provide: RollbackAcknowledgement,
    inject: [AdminChanges, LogIdentity, LogReader],
    useFactory: (changes: AdminChanges, logs: LogIdentity, log: LogReader) =>
      new RollbackAcknowledgement({ changes, logs, log }),
  },
  {
    provide: Protection,
    inject: [AdminChanges, Providers, Resources, Applications, Credentials, Grants, PublicUrls],
    useFactory: (
      ...[changes, providers, resources, applications, credentials, grants, urls]: [
        AdminChanges,
        Providers,
        Resources,
        Applications,
        Credentials,
        Grants,
        PublicUrls,
      ]
    ) => new Protection({ changes, providers, resources, applications, credentials, grants, urls }),
  },
];

/** The administration API and the catalogue it keeps; everything to the right reads the catalogue. */
@Global()
@Module({
  imports: [PolicyModule],
  controllers: [
    ZonesController,
    ApplicationsController,
    CredentialsController,
    ProvidersController,
    ResourcesController,
    GrantsController,
    SubjectIssuersController,
    ProtectController,
    AuditController,
    AdminAuditController,
    ExportsController,
    LogController,
    SweepsController,
    RetentionController,
    PublicLogController,
    ControlController,
    WebhooksController,
    DeadLettersController,
    SystemController,
    ConfigController,
    ApprovalsController,
    ApprovalStreamController,
    ApprovalPageController,
  ],
  providers: [
    ...readModel,
    ...invoke,
    ...administration,
    ...DELIVERY_PROVIDERS,
    ...APPROVAL_PROVIDERS,
    ...CONFIG_PROVIDERS,
  ],
  exports: [
    Catalogue,
    ProviderSecrets,
    ZONE_DIRECTORY,
    KillSwitch,
    ApprovalDecisions,
    ApprovalUse,
    ApprovalView,
    Holds,
  ],
})
export class ControlModule {}
