export { createQueues, type QueueingParts } from './create-queues.js';
export { Queues, type OutgoingMessage } from './queues.js';
export { QUEUE_NAMES, type QueueName } from './domain/queue-names.js';
export { RefusedMessageError, type Message, type MessageHandler } from './domain/message.js';
export { consumeOnce, firstSeen, INBOX_RETENTION_MS } from './inbox.js';
export { DeadLetters, type DeadLetter } from './dead-letters.js';
export { QueueMetrics } from './queue-metrics.js';
export { failureCode } from './domain/failure.js';
export { migrateQueues } from './migrate-queues.js';
