import type { Provider } from '@nestjs/common';
import { Counter, Registry } from 'prom-client';
import { CLOCK, type Clock } from '../../kernel/clock.js';
import { Database } from '../../platform/database/index.js';
import { APP_LOGGER, type AppLogger } from '../../platform/logging/index.js';
import { AuditedChanges } from '../audited-changes.js';
import { LedgerKeys } from '../ledger-keys.js';
import { LedgerSweeps } from './ledger-sweeps.js';
import type { Finding } from './sweep-rows.js';

/** The server's own look at its ledgers. */
export const SWEEP_PROVIDERS: Provider[] = [
  {
    provide: LedgerSweeps,
    inject: [Database, AuditedChanges, LedgerKeys, CLOCK, Registry, APP_LOGGER],
    useFactory: (
      ...[database, changes, keys, clock, registry, log]: [
        Database,
        AuditedChanges,
        LedgerKeys,
        Clock,
        Registry,
        AppLogger,
      ]
    ) => new LedgerSweeps({ database, changes, keys, clock, alarm: alarmOf(registry, log) }),
  },
];

function alarmOf(registry: Registry, log: AppLogger): (zone: string, finding: Finding) => void {
  const found = new Counter({
    name: 'caracal_ledger_findings_total',
    help: 'What sweeps found in ledgers that is not as it was written',
    labelNames: ['kind'],
    registers: [registry],
  });
  return (zone, finding) => {
    found.inc({ kind: finding.kind });
    log.error({ zone, ...finding }, 'the ledger is not as it was written');
  };
}
