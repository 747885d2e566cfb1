import { Global, Inject, Module, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { Registry } from 'prom-client';
import { AuditModule } from '../audit/index.js';
import { AuthModule, KeyRing } from '../auth/index.js';
import { CONTROL_DECISION, ControlModule } from '../control/index.js';
import { CoordinatorModule, RuntimeState } from '../coordinator/index.js';
import { CLOCK, type Clock } from '../kernel/clock.js';
import { APP_LOGGER, type AppLogger } from '../platform/logging/index.js';
import { Replicas } from '../platform/replicas/index.js';
import { SHARED_BUCKETS, type SharedBucketsHolder } from '../platform/shared-buckets/index.js';
import { LoadWatch } from '../platform/load/index.js';
import { PublicUrls } from '../platform/urls/index.js';
import { PolicyModule } from '../policy/index.js';
import { StsModule } from '../sts/index.js';
import { CallApprovals } from './approvals/call-approvals.js';
import { Bindings } from './bindings.js';
import { CallAuthority } from './call-authority.js';
import { CallLedger } from './call-ledger.js';
import { ControlDecisions } from './authority/control-decisions.js';
import { GatewayCalls } from './gateway-calls.js';
import { GatewayMetrics } from './gateway-metrics.js';
import { McpCalls } from './mcp/mcp-calls.js';
import { McpSessions } from './mcp/mcp-sessions.js';
import { MandateProof } from './http/mandate-proof.js';
import { ResourceMetadataController } from './http/resource-metadata.controller.js';
import { OpenCalls } from './open-calls.js';
import { ProviderCredentials } from './provider-credentials.js';
import { RateLimits } from './limits/rate-limits.js';

/** The enforcement point in front of upstreams. Global, because control asks it for the decision about commands. */
@Global()
@Module({
  imports: [AuditModule, AuthModule, PolicyModule, ControlModule, CoordinatorModule, StsModule],
  controllers: [ResourceMetadataController],
  providers: [
    Bindings,
    CallAuthority,
    { provide: CONTROL_DECISION, useClass: ControlDecisions },
    CallApprovals,
    CallLedger,
    MandateProof,
    McpCalls,
    McpSessions,
    ProviderCredentials,
    { provide: OpenCalls, inject: [CLOCK], useFactory: (clock: Clock) => new OpenCalls(() => clock.now()) },
    {
      provide: RateLimits,
      inject: [CLOCK, Replicas, SHARED_BUCKETS],
      useFactory: (clock: Clock, replicas: Replicas, { buckets }: SharedBucketsHolder) =>
        new RateLimits({ now: () => clock.monotonic(), replicas: () => replicas.count, shared: buckets }),
    },
    {
      provide: GatewayMetrics,
      inject: [Registry, OpenCalls],
      useFactory: (registry: Registry, open: OpenCalls) => new GatewayMetrics(registry, () => open.size),
    },
    {
      provide: GatewayCalls,
      inject: [
        Bindings,
        CallAuthority,
        CallApprovals,
        MandateProof,
        ProviderCredentials,
        CallLedger,
        RateLimits,
        OpenCalls,
        GatewayMetrics,
        McpCalls,
        PublicUrls,
        LoadWatch,
        CLOCK,
        APP_LOGGER,
      ],
      useFactory: makeCalls,
    },
  ],
  exports: [CONTROL_DECISION],
})
export class GatewayModule implements OnModuleInit, OnApplicationShutdown {
  constructor(
    private readonly runtime: RuntimeState,
    private readonly keys: KeyRing,
    private readonly open: OpenCalls,
    private readonly bindings: Bindings,
    @Inject(APP_LOGGER) private readonly log: AppLogger,
  ) {}

  onModuleInit(): void {
    const reconsider = (zone: string): void => {
      this.open
        .reconsider(zone)
        .catch((error: unknown) => this.log.error({ err: error }, 'open calls could not be judged again'));
    };
    this.runtime.onRevoked(reconsider);
    this.keys.onGone(reconsider);
  }

  onApplicationShutdown(): void {
    this.open.close();
    this.bindings.close();
  }
}

type Deps = [
  Bindings,
  CallAuthority,
  CallApprovals,
  MandateProof,
  ProviderCredentials,
  CallLedger,
  RateLimits,
  OpenCalls,
  GatewayMetrics,
  McpCalls,
  PublicUrls,
  LoadWatch,
  Clock,
  AppLogger,
];

function makeCalls(
  ...[
    bindings,
    authority,
    approvals,
    proof,
    credentials,
    ledger,
    rates,
    open,
    metrics,
    mcp,
    urls,
    load,
    clock,
    log,
  ]: Deps
): GatewayCalls {
  const onFault = (error: unknown, requestId: string): void =>
    log.error({ err: error, requestId }, 'a gateway call failed unexpectedly');
  return new GatewayCalls({
    bindings,
    authority,
    approvals,
    proof,
    credentials,
    ledger,
    rates,
    open,
    metrics,
    mcp,
    urls,
    load,
    clock,
    onFault,
  });
}
