import { AppError } from '../../kernel/app-error.js';

const UNAVAILABLE_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOENT',
  'EPIPE',
  'ETIMEDOUT',
  // An answer that took too long: of a statement, of a lock, of the client inside a transaction.
  '57014',
  '55P03',
  '25P03',
  '57P01',
  '57P02',
  '57P03',
  '53300',
  '25006',
]);
const UNAVAILABLE_TEXT =
  /connection terminated|timeout exceeded when trying to connect|client has encountered a connection error|connection ended|not queryable|query runner already released/i;

/** The SQLSTATE or system code of a database fault, looked for through TypeORM's wrapping. */
export function faultCode(error: unknown): string | undefined {
  for (let at: unknown = error, depth = 0; at && depth < 4; depth += 1) {
    const { code, driverError, cause } = at as { code?: unknown; driverError?: unknown; cause?: unknown };
    if (typeof code === 'string') return code;
    at = driverError ?? cause;
  }
  return undefined;
}

/** Whether the fault says that the database could not be asked, rather than that it refused. */
export function isUnavailable(error: unknown): boolean {
  const code = faultCode(error);
  if (code) return code.startsWith('08') || UNAVAILABLE_CODES.has(code);
  return error instanceof Error && UNAVAILABLE_TEXT.test(error.message);
}

const SILENT_TEXT = /connection timeout|timeout expired/i;

/** Whether the database let an answer or a login wait for too long, of which one that is there says so itself. */
export function isSilence(error: unknown): boolean {
  return faultCode(error) === 'ETIMEDOUT' || (error instanceof Error && SILENT_TEXT.test(error.message));
}

const SQLSTATE = /^[0-9A-Z]{5}$/;

/** Whether the database answered, and its answer was no: what was asked in the same transaction did not happen either. */
export function isRefusal(error: unknown): boolean {
  return SQLSTATE.test(faultCode(error) ?? '') && !isUnavailable(error);
}

/** A database that cannot be asked becomes `temporarily_unavailable`; every other fault passes unchanged. */
export function translateFault(error: unknown): unknown {
  if (error instanceof AppError || !isUnavailable(error)) return error;
  return new AppError('temporarily_unavailable', 'The database cannot be reached or does not answer in time.', {
    detail: 'database_unreachable',
    retryAfter: 1,
    cause: error,
  });
}
