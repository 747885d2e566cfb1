import { AppError } from '../kernel/app-error.js';
import type { PolicyFault } from './cedar/policy-text.js';

/** Throws `invalid_request` with every fault and its position; does nothing without a fault. */
export function refuseFaults(faults: readonly PolicyFault[], field: string): void {
  if (faults.length === 0) return;
  const errors = faults.map((fault) => ({
    field,
    message: `line ${fault.line}, column ${fault.column}: ${fault.message}`,
  }));
  throw new AppError('invalid_request', 'The policy is not valid.', { errors });
}

/** The refusal of one member. */
export function invalidMember(field: string, message: string): AppError {
  return new AppError('invalid_request', 'The request is not valid.', { errors: [{ field, message }] });
}
