import { applyDecorators, SetMetadata, UseInterceptors } from '@nestjs/common';
import { IdempotencyInterceptor, IDEMPOTENCY } from './idempotency.interceptor.js';

export interface IdempotentOptions {
  /** Top-level members of the answer that are shown once: they are not stored, and a repeat says `secret_shown` in their place. */
  readonly secretMembers?: readonly string[];
}

/** The route creates something: it honours `Idempotency-Key`. Only a success takes the key; a refusal leaves it free. */
export function Idempotent(options: IdempotentOptions = {}): MethodDecorator {
  return applyDecorators(SetMetadata(IDEMPOTENCY, options), UseInterceptors(IdempotencyInterceptor));
}
