import { Module, type OnModuleInit } from '@nestjs/common';
import { CLOCK, type Clock } from '../../kernel/clock.js';
import { APP_CONFIG, type AppConfig } from '../../platform/config/index.js';
import { Database } from '../../platform/database/index.js';
import { APP_LOGGER, type AppLogger } from '../../platform/logging/index.js';
import { Queues } from '../../platform/queue/index.js';
import { AuditedChanges } from '../audited-changes.js';
import { LogIdentity } from '../log/log-identity.js';
import { LogReader } from '../log/log-reader.js';
import { ExportSchedule } from './export-schedule.js';
import { LedgerRetention } from '../retention/ledger-retention.js';
import { EXPORT_JOB, LedgerExports } from './ledger-exports.js';

/** Exports of ledgers, asked for or scheduled, and the retention that they make possible. */
@Module({
  providers: [
    {
      provide: LedgerExports,
      inject: [Database, AuditedChanges, LogReader, LogIdentity, CLOCK, APP_CONFIG],
      useFactory: (
        ...[database, changes, log, identity, clock, config]: [
          Database,
          AuditedChanges,
          LogReader,
          LogIdentity,
          Clock,
          AppConfig,
        ]
      ) => new LedgerExports({ database, changes, log, identity, clock, dataDir: config.dataDir }),
    },
    {
      provide: ExportSchedule,
      inject: [Database, AuditedChanges, LedgerExports, CLOCK],
      useFactory: (database: Database, changes: AuditedChanges, exports: LedgerExports, clock: Clock) =>
        new ExportSchedule({ database, changes, exports, clock }),
    },
    {
      provide: LedgerRetention,
      inject: [Database, AuditedChanges, LedgerExports, CLOCK, APP_LOGGER],
      useFactory: (
        ...[database, changes, exports, clock, log]: [Database, AuditedChanges, LedgerExports, Clock, AppLogger]
      ): LedgerRetention => {
        const onFault = (month: string, err: unknown) => log.error({ err, month }, 'a month could not be dropped');
        return new LedgerRetention({ database, changes, exports, clock, onFault });
      },
    },
  ],
  exports: [LedgerExports, LedgerRetention],
})
export class ExportsModule implements OnModuleInit {
  constructor(
    private readonly exports: LedgerExports,
    private readonly scheduled: ExportSchedule,
    private readonly retention: LedgerRetention,
    private readonly queues: Queues,
  ) {}

  onModuleInit(): void {
    this.scheduled.schedule(this.queues);
    this.retention.schedule(this.queues);
    this.queues.consume('exports', { [EXPORT_JOB]: (message) => this.exports.handle(message) });
  }
}
