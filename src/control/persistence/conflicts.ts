import { AppError } from '../../kernel/app-error.js';
import { faultCode } from '../../platform/database/index.js';

const UNIQUE_VIOLATION = '23505';

/** What the unique indexes of this module's tables say to the person who ran into them. */
const CONFLICTS: Readonly<Record<string, string>> = {
  zones_pkey: 'This slug is taken. Slugs are never used again, not even those of archived zones.',
  applications_zone_slug_key:
    'This slug is taken in the zone. Slugs are never used again, not even those of archived applications.',
  resources_zone_slug_key:
    'This slug is taken in the zone. Slugs are never used again, not even those of archived resources.',
  resources_identifier: 'Another resource of the zone has this identifier.',
  subject_issuers_issuer: 'The zone has this issuer. Archive it to register it anew.',
};

/** deadlock_detected and serialization_failure: the transaction was rolled back because of others, not because of itself. */
const RETRYABLE: ReadonlySet<string> = new Set(['40P01', '40001']);

/** Whether the same transaction may succeed when it is run again. */
export function isRetryable(error: unknown): boolean {
  return RETRYABLE.has(faultCode(error) ?? '');
}

/** A violated unique index becomes `conflict`; every other fault passes unchanged. */
export function translateConflict(error: unknown): unknown {
  if (error instanceof AppError || faultCode(error) !== UNIQUE_VIOLATION) return error;
  const message = CONFLICTS[constraintOf(error) ?? ''] ?? 'This collides with an object that exists.';
  return new AppError('conflict', message, { cause: error });
}

function constraintOf(error: unknown): string | undefined {
  for (let at: unknown = error, depth = 0; at && depth < 4; depth += 1) {
    const { constraint, driverError, cause } = at as { constraint?: unknown; driverError?: unknown; cause?: unknown };
    if (typeof constraint === 'string') return constraint;
    at = driverError ?? cause;
  }
  return undefined;
}
