import { AppError } from '../../../kernel/app-error.js';
import { RefusedMessageError } from './message.js';

/**
 * What to do with a message whose handler threw. `infrastructure`: try again without limit. `unexpected`: a fault of ours or of the
 * message, nobody knows; try a bounded number of times. `refused`: proven bad.
 */
export type Failure =
  | { readonly kind: 'infrastructure'; readonly code: string }
  | { readonly kind: 'unexpected'; readonly code: string }
  | { readonly kind: 'refused'; readonly reason: string };

/** Consecutive unexpected failures after which a message is taken for poison. */
export const MAX_UNEXPECTED = 12;
/** Times a job may be found abandoned by a dead worker before the message is taken for what kills workers. */
export const MAX_STALLED = 10;

const SYSTEM_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOENT',
  'EMFILE',
  'ENOSPC',
]);
/** SQLSTATE classes: connection, transaction rollback, resources, operator intervention, system error. */
const SQL_CLASSES = ['08', '40', '53', '57', '58'];
const PASSING_CODES = new Set([
  'temporarily_unavailable',
  'rate_limited',
  'server_error',
  'conflict',
  'idempotency_in_progress',
]);
const CONNECTION_TEXT =
  /connection (is closed|terminated|ended)|timeout exceeded when trying to connect|not queryable|command timed out/i;

/** Sorts what a handler threw; never says `refused` of a fault that might pass by itself. */
export function classifyFailure(error: unknown): Failure {
  if (error instanceof RefusedMessageError) return { kind: 'refused', reason: error.reason };
  if (error instanceof AppError) return classifyAppError(error);
  const code = codeOf(error);
  if (code && isInfrastructure(code)) return { kind: 'infrastructure', code };
  if (error instanceof Error && CONNECTION_TEXT.test(error.message))
    return { kind: 'infrastructure', code: 'connection_lost' };
  return { kind: 'unexpected', code: code ?? (error instanceof Error ? error.name : 'unknown') };
}

/** The stable code of a fault, for metrics and logs; never its message. */
export function failureCode(error: unknown): string {
  const failure = classifyFailure(error);
  return failure.kind === 'refused' ? failure.reason : failure.code;
}

function classifyAppError(error: AppError): Failure {
  if (error.code === 'temporarily_unavailable' || error.code === 'rate_limited') {
    return { kind: 'infrastructure', code: error.detail ?? error.code };
  }
  return PASSING_CODES.has(error.code)
    ? { kind: 'unexpected', code: error.code }
    : { kind: 'refused', reason: error.code };
}

function isInfrastructure(code: string): boolean {
  return (
    SYSTEM_CODES.has(code) || (/^[0-9A-Z]{5}$/.test(code) && SQL_CLASSES.some((prefix) => code.startsWith(prefix)))
  );
}

function codeOf(error: unknown): string | undefined {
  for (let at: unknown = error, depth = 0; at && depth < 4; depth += 1) {
    const { code, driverError, cause } = at as { code?: unknown; driverError?: unknown; cause?: unknown };
    if (typeof code === 'string') return code;
    at = driverError ?? cause;
  }
  return undefined;
}

const FIRST_DELAY_MS = 250;
const LONGEST_DELAY_MS = 30_000;

/** Milliseconds until attempt `attempts + 1`: doubles from 250 ms to 30 s. `jitter` in [0, 1) spreads equal failures by up to a half. */
export function retryDelay(attempts: number, jitter: number): number {
  const full = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** Math.min(Math.max(attempts - 1, 0), 20));
  return Math.round(full * (0.5 + jitter / 2));
}
