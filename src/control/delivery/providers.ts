import type { Provider } from '@nestjs/common';
import { Database } from '../../platform/database/index.js';
import { EgressGuard } from '../../platform/egress/index.js';
import { APP_LOGGER, type AppLogger } from '../../platform/logging/index.js';
import { DeadLetters } from '../../platform/queue/index.js';
import { Envelope } from '../../platform/secrets/index.js';
import { AdminChanges } from '../admin-changes.js';
import { DeadLetterDecisions } from './dead-letter-decisions.js';
import { WebhookDelivery } from './webhook-delivery.js';
import { WebhookFeed } from './webhook-feed.js';
import { WebhookSecrets } from './webhook-secrets.js';
import { Webhooks } from './webhooks.js';

/** Everything that tells the outside of what happened, and what becomes of what could not be told. */
export const DELIVERY_PROVIDERS: Provider[] = [
  { provide: WebhookSecrets, inject: [Envelope], useFactory: (envelope: Envelope) => new WebhookSecrets(envelope) },
  {
    provide: Webhooks,
    inject: [Database, AdminChanges, EgressGuard, WebhookSecrets],
    useFactory: (database: Database, changes: AdminChanges, egress: EgressGuard, secrets: WebhookSecrets) =>
      new Webhooks({ database, changes, egress, secrets }),
  },
  {
    provide: DeadLetterDecisions,
    inject: [DeadLetters, Database, AdminChanges],
    useFactory: (letters: DeadLetters, database: Database, changes: AdminChanges) =>
      new DeadLetterDecisions(letters, database, changes),
  },
  {
    provide: WebhookFeed,
    inject: [Database, APP_LOGGER],
    useFactory: (database: Database, log: AppLogger) =>
      new WebhookFeed(database, (error) => log.warn({ err: error }, 'webhooks could not be told; tried again')),
  },
  WebhookDelivery,
];
