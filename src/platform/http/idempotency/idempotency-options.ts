/** Under which an idempotent handler keeps its {@link IdempotentOptions}. */
export const IDEMPOTENCY = Symbol('caracal:idempotency');

export interface IdempotentOptions {
  /** Top-level members of the answer that are shown once: they are not stored, and a repeat says `secret_shown` in their place. */
  readonly secretMembers?: readonly string[];
}
