import { AppError } from '../../../kernel/app-error.js';

/** An sf-string (RFC 8941 §3.3.3) of 1–255 characters; `\"` and `\\` are its only escapes. */
const SF_STRING = /^"((?:[\x20-\x21\x23-\x5b\x5d-\x7e]|\\["\\])+)"$/;
const MAX_LENGTH = 255;

/** The key an `Idempotency-Key` header holds, or undefined without the header; `invalid_request` on anything that is not one key. */
export function parseIdempotencyKey(header: string | readonly string[] | undefined): string | undefined {
  if (header === undefined) return undefined;
  const quoted = typeof header === 'string' ? SF_STRING.exec(header.trim())?.[1] : undefined;
  const key = quoted?.replaceAll(/\\(["\\])/g, '$1');
  if (key !== undefined && key.length <= MAX_LENGTH) return key;
  const message = `must be a quoted string of 1 to ${MAX_LENGTH} characters`;
  throw new AppError('invalid_request', 'The Idempotency-Key is not valid.', {
    errors: [{ field: 'Idempotency-Key', message }],
  });
}
