import type { JsonObject } from '../../../kernel/json.js';
import type { QueueName } from './queue-names.js';

/** One message whose envelope has been verified. `body` is authentic; its shape is still the handler's to check. */
export interface Message {
  readonly queue: QueueName;
  readonly name: string;
  /** A UUID; what the inbox de-duplicates by. */
  readonly id: string;
  readonly zone: string;
  /** Milliseconds since the epoch. */
  readonly issuedAt: number;
  readonly expiresAt: number;
  readonly body: JsonObject;
}

/**
 * Does what a message asks for. It may be called more than once for one message, so its effect commits together with
 * `consumeOnce`. Throw {@link RefusedMessageError} for what can never succeed; anything else that is thrown is tried again.
 */
export type MessageHandler = (message: Message) => Promise<void>;

/** Thrown by a handler for a message that is proven bad: it goes to the dead letters and is not tried again. */
export class RefusedMessageError extends Error {
  override readonly name = 'RefusedMessageError';

  constructor(
    /** Stable, snake_case; kept with the dead letter. */
    readonly reason: string,
    options?: { readonly cause?: unknown },
  ) {
    super(`message refused: ${reason}`, options);
  }
}
