import type { Clock } from '../../kernel/clock.js';
import type { Secret } from '../../kernel/secret.js';
import type { Database } from '../database/index.js';
import { PostgresBackend } from './backend/postgres-backend.js';
import { RedisBackend } from './backend/redis-backend.js';
import { DeadLetters } from './dead-letters.js';
import { EnvelopeKeys } from './domain/envelope-keys.js';
import { failureCode } from './domain/failure.js';
import type { QueueObserver } from './observer.js';
import { Queues } from './queues.js';

export interface QueueingParts {
  readonly database: Database;
  /** The sealing secret first; those after it still open what they sealed. */
  readonly secrets: readonly (Buffer | Secret)[];
  /** Without it the jobs are kept in PostgreSQL. */
  readonly redisUrl?: string;
  readonly observer: QueueObserver;
  readonly clock: Clock;
}

/** Puts the queues together. Nothing connects before it is used; nothing is consumed before `queues.start()`. */
export function createQueues(parts: QueueingParts): { readonly queues: Queues; readonly deadLetters: DeadLetters } {
  const { database, observer, clock } = parts;
  const keys = new EnvelopeKeys(parts.secrets);
  const deadLetters = new DeadLetters(database, keys);
  const onFault = (error: unknown) => observer.backendFault('all', failureCode(error));
  const backend =
    parts.redisUrl === undefined
      ? new PostgresBackend(database.connectionOptions('caracal_queue'), onFault)
      : new RedisBackend(parts.redisUrl, onFault);
  return { queues: new Queues({ database, backend, keys, deadLetters, observer, clock }), deadLetters };
}
