import type { Provider } from '@nestjs/common';
import { AuditedChanges, LedgerReader } from '../../audit/index.js';
import { CLOCK, type Clock } from '../../kernel/clock.js';
import { ChangeFeed } from '../../platform/changes/index.js';
import { Database } from '../../platform/database/index.js';
import { Queues } from '../../platform/queue/index.js';
import { Envelope } from '../../platform/secrets/index.js';
import { AdminChanges } from '../admin-changes.js';
import { ApprovalDecisions } from './approval-decisions.js';
import { ApprovalExpiry } from './approval-expiry.js';
import { ApprovalLists } from './approval-lists.js';
import { ApprovalStream } from './approval-stream.js';
import { ApprovalUse } from './approval-use.js';
import { ApprovalView } from './approval-view.js';
import { Holds } from './holds.js';

/** What decides, holds and releases. */
export const APPROVAL_PROVIDERS: Provider[] = [
  {
    provide: ApprovalView,
    inject: [Database, ChangeFeed, CLOCK],
    useFactory: (database: Database, feed: ChangeFeed, clock: Clock) => new ApprovalView({ database, feed, clock }),
  },
  {
    provide: Holds,
    inject: [Database, AuditedChanges, ApprovalView, CLOCK],
    useFactory: (...[database, changes, view, clock]: [Database, AuditedChanges, ApprovalView, Clock]) =>
      new Holds({ database, changes, view, clock }),
  },
  {
    provide: ApprovalUse,
    inject: [Database, AuditedChanges, Envelope],
    useFactory: (database: Database, changes: AuditedChanges, envelope: Envelope) =>
      new ApprovalUse({ database, changes, envelope }),
  },
  {
    provide: ApprovalDecisions,
    inject: [AdminChanges, AuditedChanges, CLOCK],
    useFactory: (admin: AdminChanges, changes: AuditedChanges, clock: Clock) =>
      new ApprovalDecisions({ admin, changes, clock }),
  },
  {
    provide: ApprovalLists,
    inject: [Database, CLOCK],
    useFactory: (database: Database, clock: Clock) => new ApprovalLists(database, clock),
  },
  {
    provide: ApprovalStream,
    inject: [ApprovalView, ApprovalLists, LedgerReader],
    useFactory: (view: ApprovalView, lists: ApprovalLists, ledger: LedgerReader) =>
      new ApprovalStream({ view, lists, ledger }),
  },
  {
    provide: ApprovalExpiry,
    inject: [Database, AuditedChanges, Queues, CLOCK],
    useFactory: (...[database, changes, queues, clock]: [Database, AuditedChanges, Queues, Clock]) =>
      new ApprovalExpiry({ database, changes, queues, clock }),
  },
];
