import { Global, Module, type OnModuleInit } from '@nestjs/common';
import { CLOCK, type Clock } from '../kernel/clock.js';
import { ChangeFeed } from '../platform/changes/index.js';
import { Database } from '../platform/database/index.js';
import { PRIOR_EFFECTS } from '../platform/http/index.js';
import { APP_LOGGER, type AppLogger } from '../platform/logging/index.js';
import { OutboxRelay } from '../platform/outbox/index.js';
import { Queues } from '../platform/queue/index.js';
import { SECRETS, type Secrets } from '../platform/secrets/index.js';
import { AuditLedger } from './audit-ledger.js';
import { AuditedChanges } from './audited-changes.js';
import { ExportsModule } from './exports/exports.module.js';
import { ChainKeyRotation } from './jobs/chain-key-rotation.js';
import { OutcomeIntake } from './jobs/outcome-intake.js';
import { OUTCOME_JOB, OutcomeJobs } from './jobs/outcome-jobs.js';
import { LedgerPartitions } from './jobs/partitions.js';
import { UnknownOutcomes } from './jobs/unknown-outcomes.js';
import { LedgerKeys } from './ledger-keys.js';
import { LedgerReader } from './ledger-reader.js';
import { LogIdentity } from './log/log-identity.js';
import { LogReader } from './log/log-reader.js';
import { LogSigner } from './log/log-signer.js';
import { LOG_PROVIDERS } from './log/log.providers.js';
import { OutcomeSink } from './outcome-sink.js';
import { LedgerSweeps } from './sweep/ledger-sweeps.js';
import { SWEEP_PROVIDERS } from './sweep/sweep.providers.js';

/** The ledger and the unit of work that nothing changes state without. */
@Global()
@Module({
  imports: [ExportsModule],
  providers: [
    ...LOG_PROVIDERS,
    ...SWEEP_PROVIDERS,
    { provide: LedgerKeys, inject: [SECRETS], useFactory: (secrets: Secrets) => new LedgerKeys(...secrets.ledgerHmac) },
    {
      provide: AuditLedger,
      inject: [Database, LedgerKeys, CLOCK, APP_LOGGER],
      useFactory: (database: Database, keys: LedgerKeys, clock: Clock, log: AppLogger) =>
        new AuditLedger({
          database,
          keys,
          clock,
          onFault: (error) => log.warn({ err: error }, 'a ledger group did not commit'),
        }),
    },
    {
      provide: AuditedChanges,
      inject: [Database, ChangeFeed, LedgerKeys, CLOCK],
      useFactory: (database: Database, feed: ChangeFeed, keys: LedgerKeys, clock: Clock) =>
        new AuditedChanges({ database, feed, keys, clock }),
    },
    { provide: LedgerReader, inject: [Database], useFactory: (database: Database) => new LedgerReader(database) },
    { provide: PRIOR_EFFECTS, useExisting: LedgerReader },
    {
      provide: OutcomeSink,
      inject: [AuditLedger, Queues, CLOCK, APP_LOGGER],
      useFactory: (ledger: AuditLedger, queues: Queues, clock: Clock, log: AppLogger): OutcomeSink => {
        const onFault = (error: unknown, lost: number) => log.warn({ err: error, lost }, 'outcomes wait for the queue');
        return new OutcomeSink({ ledger, jobs: new OutcomeJobs(queues, onFault), clock, onFault });
      },
    },
    {
      provide: OutcomeIntake,
      inject: [Database, LedgerKeys, CLOCK, AuditLedger],
      useFactory: (database: Database, keys: LedgerKeys, clock: Clock, ledger: AuditLedger) =>
        new OutcomeIntake({ database, keys, clock, ledger }),
    },
    {
      provide: ChainKeyRotation,
      inject: [Database, AuditedChanges, LedgerKeys, CLOCK, APP_LOGGER],
      useFactory: (
        ...[database, changes, keys, clock, log]: [Database, AuditedChanges, LedgerKeys, Clock, AppLogger]
      ): ChainKeyRotation => {
        const onFault = (err: unknown) => log.error({ err }, 'a ledger could not be told of its new key');
        return new ChainKeyRotation({ database, changes, keys, clock, onFault });
      },
    },
    {
      provide: UnknownOutcomes,
      inject: [Database, LedgerKeys, CLOCK, Queues, APP_LOGGER],
      useFactory: (
        ...[database, keys, clock, queues, log]: [Database, LedgerKeys, Clock, Queues, AppLogger]
      ): UnknownOutcomes => {
        const onClosed = (zone: string, calls: number) =>
          log.warn({ zone, calls }, 'calls ended unknown: no outcome in all the time they had');
        return new UnknownOutcomes({ database, keys, clock, queues, onClosed });
      },
    },
    {
      provide: LedgerPartitions,
      inject: [Database],
      useFactory: (database: Database) => new LedgerPartitions(database),
    },
  ],
  exports: [
    ExportsModule,
    AuditLedger,
    AuditedChanges,
    LedgerReader,
    LedgerSweeps,
    LogIdentity,
    LogReader,
    LogSigner,
    OutcomeSink,
    PRIOR_EFFECTS,
  ],
})
export class AuditModule implements OnModuleInit {
  constructor(
    private readonly intake: OutcomeIntake,
    private readonly queues: Queues,
    private readonly changes: AuditedChanges,
    private readonly relay: OutboxRelay,
    private readonly partitions: LedgerPartitions,
    private readonly sweeps: LedgerSweeps,
  ) {}

  async onModuleInit(): Promise<void> {
    await this.partitions.makeAhead();
    this.partitions.schedule(this.queues);
    this.sweeps.register(this.queues);
    this.changes.onOutbox(() => this.relay.wake());
    this.queues.consume('audit', { [OUTCOME_JOB]: (message) => this.intake.handle(message) });
  }
}
