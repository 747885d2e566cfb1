import type { Provider } from '@nestjs/common';
import { CLOCK, type Clock } from '../../kernel/clock.js';
import { APP_CONFIG, type AppConfig } from '../../platform/config/index.js';
import { Database } from '../../platform/database/index.js';
import { APP_LOGGER, type AppLogger } from '../../platform/logging/index.js';
import { SECRETS, type Secrets } from '../../platform/secrets/index.js';
import { PublicUrls } from '../../platform/urls/index.js';
import { AuditedChanges } from '../audited-changes.js';
import { CheckpointKeyRotation } from './checkpoint-key-rotation.js';
import { LogIdentity } from './log-identity.js';
import { LogReader } from './log-reader.js';
import { LogRows } from './log-rows.js';
import { LogSigner } from './log-signer.js';
import { SeenCheckpoints } from './seen-checkpoints.js';

/** The Merkle log over the ledger: who signs it, and who reads it. */
export const LOG_PROVIDERS: Provider[] = [
  {
    provide: LogIdentity,
    inject: [SECRETS, PublicUrls],
    useFactory: (secrets: Secrets, urls: PublicUrls) => new LogIdentity(secrets.checkpointKey, () => urls.host()),
  },
  {
    provide: CheckpointKeyRotation,
    inject: [Database, AuditedChanges, LogIdentity, CLOCK, APP_LOGGER],
    useFactory: (
      ...[database, changes, identity, clock, log]: [Database, AuditedChanges, LogIdentity, Clock, AppLogger]
    ): CheckpointKeyRotation => {
      const warn = (message: string, zone?: string) => log.warn({ zone }, message);
      const onFault = (err: unknown) => log.error({ err }, 'a log could not be given its new key');
      return new CheckpointKeyRotation({ database, changes, identity, clock, warn, onFault });
    },
  },
  {
    provide: LogReader,
    inject: [Database, LogIdentity],
    useFactory: (database: Database, identity: LogIdentity) => new LogReader(database, identity),
  },
  {
    provide: LogSigner,
    inject: [Database, LogIdentity, APP_CONFIG, CLOCK, APP_LOGGER],
    useFactory: (
      ...[database, identity, config, clock, log]: [Database, LogIdentity, AppConfig, Clock, AppLogger]
    ): LogSigner =>
      new LogSigner({
        rows: new LogRows(database),
        seen: new SeenCheckpoints(config.dataDir, (origin) => identity.verifiers(origin)),
        identity,
        clock,
        onFault: (error, zone) => log.warn({ err: error, zone }, 'the ledger could not be signed'),
      }),
  },
];
