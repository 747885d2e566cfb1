import { PROBLEM_CODES } from '../../../kernel/app-error.js';
import type { JsonObject } from '../../../kernel/json.js';
import { OAUTH_ERROR_CODES } from '../../../kernel/oauth-error.js';

const text = { type: 'string' } as const;

/** Schemas that no DTO class describes: answers to errors. */
export const ERROR_SCHEMAS: JsonObject = {
  Problem: {
    type: 'object',
    description: 'A problem document (RFC 9457). Further members depend on the code.',
    required: ['type', 'title', 'status', 'detail', 'instance', 'code'],
    properties: {
      type: { type: 'string', format: 'uri' },
      title: text,
      status: { type: 'integer', minimum: 400, maximum: 599 },
      detail: text,
      instance: { type: 'string', description: 'The id of the request.' },
      code: { type: 'string', enum: [...PROBLEM_CODES] },
      errors: {
        type: 'array',
        items: { type: 'object', required: ['field', 'message'], properties: { field: text, message: text } },
      },
    },
  },
  OAuthError: {
    type: 'object',
    description: 'An OAuth error (RFC 6749 §5.2).',
    required: ['error'],
    properties: { error: { type: 'string', enum: [...OAUTH_ERROR_CODES] }, error_description: text },
  },
};

export const ERROR_RESPONSES: JsonObject = {
  Problem: {
    description: 'Refused; `code` says why.',
    content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
  },
  OAuthError: {
    description: 'Refused; `error` says why.',
    content: { 'application/json': { schema: { $ref: '#/components/schemas/OAuthError' } } },
  },
};

export const SECURITY_SCHEMES: JsonObject = {
  adminToken: { type: 'http', scheme: 'bearer', description: 'An admin token (`cat_…`).' },
  runtimeToken: {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'JWT',
    description: 'An application or session token of the zone.',
  },
  controlToken: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT', description: 'A control token; it works once.' },
  clientBasic: {
    type: 'http',
    scheme: 'basic',
    description:
      '`client_secret_basic`; the form may authenticate the client instead (RFC 6749 §2.3.1, RFC 7523 §2.2).',
  },
};

export const PARAMETERS: JsonObject = {
  IdempotencyKey: {
    name: 'Idempotency-Key',
    in: 'header',
    required: false,
    schema: { type: 'string', minLength: 3, maxLength: 257 },
    description: 'A quoted string; the same key and body repeat the stored answer for 24 hours.',
  },
  IfMatch: {
    name: 'If-Match',
    in: 'header',
    required: true,
    schema: text,
    description: 'The ETag of the object as it was read, or `*`.',
  },
  Limit: {
    name: 'limit',
    in: 'query',
    required: false,
    schema: { type: 'integer', minimum: 1, maximum: 200, default: 50 },
  },
  Cursor: {
    name: 'cursor',
    in: 'query',
    required: false,
    schema: text,
    description: 'The `next_cursor` of an earlier answer.',
  },
};
