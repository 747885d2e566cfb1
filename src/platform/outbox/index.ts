export { OutboxRelay, type OutboxObserver, type OutboxRelayParts } from './outbox-relay.js';
