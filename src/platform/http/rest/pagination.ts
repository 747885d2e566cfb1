import { AppError } from '../../../kernel/app-error.js';
import { isWellFormed } from '../../../kernel/well-formed.js';

/** What every list reads of its query. */
export const PAGE_MEMBERS: readonly string[] = ['cursor', 'limit'];

const DEFAULT_LIMIT = 50;
const MAX_LIMIT = 200;
const LIMIT = /^[1-9][0-9]{0,2}$/;
const MAX_CURSOR_LENGTH = 1024;

/** Where a list goes on: at most `limit` items after the one whose key is `cursor`. */
export interface Page {
  readonly limit: number;
  /** The key of the last item the caller saw, exactly as {@link listAnswer} was given it. */
  readonly cursor?: string;
}

/** One page of a list as it goes over the wire. */
export interface ListAnswer<T> {
  readonly items: readonly T[];
  readonly next_cursor: string | null;
}

/** The page a query asks for; a limit beyond 1–200 or a cursor that we did not make is `invalid_request`. */
export function page(query: Readonly<Record<string, unknown>>): Page {
  const limit = readLimit(query['limit']);
  const { cursor } = query;
  if (cursor === undefined) return { limit };
  return { limit, cursor: decodeCursor(cursor) };
}

/** The answer for rows that were read with a limit one higher than the page's: the surplus row says that there is more. */
export function listAnswer<Row, T>(
  rows: readonly Row[],
  { limit }: Page,
  keyOf: (row: Row) => string,
  toItem: (row: Row) => T,
): ListAnswer<T> {
  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  const more = rows.length > limit && last !== undefined;
  return {
    items: shown.map(toItem),
    next_cursor: more ? Buffer.from(keyOf(last), 'utf8').toString('base64url') : null,
  };
}

function readLimit(value: unknown): number {
  if (value === undefined) return DEFAULT_LIMIT;
  const limit = typeof value === 'string' && LIMIT.test(value) ? Number(value) : 0;
  if (limit < 1 || limit > MAX_LIMIT) throw refused('limit', `must be an integer from 1 to ${MAX_LIMIT}`);
  return limit;
}

function decodeCursor(value: unknown): string {
  if (typeof value === 'string' && value.length > 0 && value.length <= MAX_CURSOR_LENGTH) {
    const bytes = Buffer.from(value, 'base64url');
    const key = bytes.toString('utf8');
    // One text per key: what does not encode back to itself was not made here.
    if (Buffer.from(key, 'utf8').toString('base64url') === value && isWellFormed(key) && !key.includes('\0'))
      return key;
  }
  throw foreignCursor();
}

/** For a cursor that was not made here, or for another list: `invalid_request`. */
export function foreignCursor(): AppError {
  return refused('cursor', 'must be the next_cursor of an earlier answer');
}

function refused(field: string, message: string): AppError {
  return new AppError('invalid_request', 'The query is not valid.', { errors: [{ field, message }] });
}
