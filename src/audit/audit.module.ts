import { Global, Module, type OnApplicationShutdown } from '@nestjs/common';
import { CLOCK, type Clock } from '../kernel/clock.js';
import { ChangeFeed } from '../platform/changes/index.js';
import { Database } from '../platform/database/index.js';
import { APP_LOGGER, type AppLogger } from '../platform/logging/index.js';
import { SECRETS, type Secrets } from '../platform/secrets/index.js';
import { PublicUrls } from '../platform/urls/index.js';
import { AuditLedger } from './audit-ledger.js';
import { AuditedChanges } from './audited-changes.js';
import { LedgerKeys } from './ledger-keys.js';
import { LedgerReader } from './ledger-reader.js';
import { LogIdentity } from './log-identity.js';

/** The ledger and the unit of work that nothing changes state without. */
@Global()
@Module({
  providers: [
    { provide: LedgerKeys, inject: [SECRETS], useFactory: (secrets: Secrets) => new LedgerKeys(secrets.ledgerHmac) },
    {
      provide: AuditLedger,
      inject: [Database, LedgerKeys, CLOCK, APP_LOGGER],
      useFactory: (database: Database, keys: LedgerKeys, clock: Clock, log: AppLogger) =>
        new AuditLedger({ database, keys, clock, onFault: (error) => log.warn({ err: error }, 'a ledger group did not commit') }),
    },
    {
      provide: AuditedChanges,
      inject: [Database, ChangeFeed, LedgerKeys, CLOCK],
      useFactory: (database: Database, feed: ChangeFeed, keys: LedgerKeys, clock: Clock) => new AuditedChanges({ database, feed, keys, clock }),
    },
    { provide: LedgerReader, inject: [Database], useFactory: (database: Database) => new LedgerReader(database) },
    {
      provide: LogIdentity,
      inject: [SECRETS, PublicUrls],
      useFactory: (secrets: Secrets, urls: PublicUrls) => new LogIdentity(secrets.checkpointKey, () => urls.host()),
    },
  ],
  exports: [AuditLedger, AuditedChanges, LedgerReader, LogIdentity],
})
export class AuditModule implements OnApplicationShutdown {
  constructor(private readonly ledger: AuditLedger) {}

  async onApplicationShutdown(): Promise<void> {
    await this.ledger.close();
  }
}
