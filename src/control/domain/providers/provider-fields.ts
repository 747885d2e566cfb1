/** Field names that frame the message, name the connection or speak for the gateway; a credential in one would break or forge a request. */
const RESERVED = new Set([
  'accept-encoding',
  'connection',
  'content-encoding',
  'content-length',
  'content-type',
  'cookie',
  'cookie2',
  'date',
  'dpop',
  'expect',
  'forwarded',
  'host',
  'http2-settings',
  'keep-alive',
  'range',
  'te',
  'traceparent',
  'tracestate',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'via',
  'x-request-id',
]);
const RESERVED_PREFIXES = ['x-forwarded-', 'proxy-', 'caracal-', 'x-caracal-', 'authority-', 'sec-'];

/** RFC 9110 §5.6.2. */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,128}$/;
const QUERY_NAME = /^[A-Za-z0-9\-._~[\]$:@!*]{1,128}$/;
/** A field value that no parser splits or trims (RFC 9110 §5.5). */
const FIELD_VALUE = /^[\x21-\x7e](?:[\t\x20-\x7e]*[\x21-\x7e])?$/;
const FIELD_PREFIX = /^[\x20-\x7e]{1,64}$/;
const CONTROL = /[\u0000-\u001f\u007f]/;
const MOST_SECRET = 8_192;

/** A rule of one member: what is wrong with the value, or undefined. */
export type FieldRule = (value: string) => string | undefined;

/** The name of a header that may carry a credential. */
export const headerName: FieldRule = (value) => {
  if (!TOKEN.test(value)) return 'must be a header name (RFC 9110 §5.1), like X-Api-Key';
  const folded = value.toLowerCase().replaceAll('_', '-');
  const reserved = RESERVED.has(folded) || RESERVED_PREFIXES.some((prefix) => folded.startsWith(prefix));
  return reserved ? 'must not be a header that the gateway or the protocol sets itself' : undefined;
};

export const queryName: FieldRule = (value) =>
  QUERY_NAME.test(value) ? undefined : 'must be a query parameter name of 1–128 URL-safe characters, like api_key';

export const scheme: FieldRule = (value) =>
  value === '' || TOKEN.test(value)
    ? undefined
    : 'must be an authentication scheme (RFC 9110 §11.1), like Bearer, or empty for none';

export const valuePrefix: FieldRule = (value) =>
  FIELD_PREFIX.test(value) ? undefined : 'must be 1–64 printable ASCII characters, like "Token "';

export const placement: FieldRule = (value) =>
  value === 'header' || value === 'query' ? undefined : 'must be "header" or "query"';

/** A secret that stands in a header or query as it is. */
export const tokenSecret: FieldRule = (value) =>
  value.length <= MOST_SECRET && FIELD_VALUE.test(value)
    ? undefined
    : `must be 1–${MOST_SECRET} printable ASCII characters, without spaces around it`;

/** RFC 7617 §2: the user-id holds no colon, neither holds control characters. */
export const basicUser: FieldRule = (value) =>
  value !== '' && value.length <= 256 && !value.includes(':') && !CONTROL.test(value)
    ? undefined
    : 'must be 1–256 characters without a colon or control characters (RFC 7617 §2)';

export const basicPassword: FieldRule = (value) =>
  value !== '' && value.length <= MOST_SECRET && !CONTROL.test(value)
    ? undefined
    : `must be 1–${MOST_SECRET} characters without control characters (RFC 7617 §2)`;
