export { OutboxRelay, type OutboxObserver, type OutboxRelayParts } from './outbox-relay.js';
export { scheduleQueueRetention } from './queue-retention.js';
