import { applyDecorators, SetMetadata, UseInterceptors } from '@nestjs/common';
import { IDEMPOTENCY, type IdempotentOptions } from './idempotency-options.js';
import { IdempotencyInterceptor } from './idempotency.interceptor.js';

/** The route creates something: it honours `Idempotency-Key`. Only a success takes the key; a refusal leaves it free. */
export function Idempotent(options: IdempotentOptions = {}): MethodDecorator {
  return applyDecorators(SetMetadata(IDEMPOTENCY, options), UseInterceptors(IdempotencyInterceptor));
}
