import type { JsonObject } from '../../../kernel/json.js';
import { MOST_CALLS, MOST_EDGE_OPERATIONS } from '../../domain/delegations/constraints.js';
import { MOST_HOPS, MOST_RESOURCES, MOST_SCOPES, MOST_TTL_SECONDS } from '../../domain/sessions/authority-request.js';
import type { OwnRule } from './rules.js';

const SCOPED_RESOURCES: JsonObject = {
  type: 'array',
  minItems: 1,
  maxItems: MOST_RESOURCES,
  items: {
    type: 'object',
    additionalProperties: false,
    required: ['resource', 'scopes'],
    properties: {
      resource: { type: 'string', minLength: 1, maxLength: 2_048, description: 'Identifier or gateway URL.' },
      scopes: {
        type: 'array',
        minItems: 1,
        maxItems: MOST_SCOPES,
        items: { type: 'string', pattern: '^[\\x21\\x23-\\x5b\\x5d-\\x7e]+$' },
      },
    },
  },
};

export const RESOURCES: OwnRule = {
  name: 'areResources',
  message: 'must be [{resource, scopes}], each with at least one scope',
  schema: SCOPED_RESOURCES,
};

export const AUTHORITY: OwnRule = {
  name: 'isAuthority',
  message: 'must be "inherit", "none" or {narrow:{resources:[{resource, scopes}], ttl_seconds?, hops?}}',
  schema: {
    default: 'inherit',
    oneOf: [
      { type: 'string', enum: ['inherit', 'none'] },
      {
        type: 'object',
        additionalProperties: false,
        required: ['narrow'],
        properties: {
          narrow: {
            type: 'object',
            additionalProperties: false,
            required: ['resources'],
            properties: {
              resources: SCOPED_RESOURCES,
              ttl_seconds: { type: 'integer', minimum: 1, maximum: MOST_TTL_SECONDS },
              hops: { type: 'integer', minimum: 0, maximum: MOST_HOPS, default: 0 },
            },
          },
        },
      },
    ],
  },
};

export const METADATA: OwnRule = {
  name: 'isMetadata',
  message: 'must be a JSON object of at most 16 KiB',
  schema: { type: 'object', description: 'At most 16 KiB. Nothing is decided on it.' },
};

export const SUBJECT: OwnRule = {
  name: 'isSubject',
  message: 'must be {id_token, nonce?}',
  schema: {
    type: 'object',
    additionalProperties: false,
    required: ['id_token'],
    properties: { id_token: { type: 'string' }, nonce: { type: 'string', minLength: 1, maxLength: 255 } },
  },
};

export const BOUND_KEY: OwnRule = {
  name: 'isBoundKey',
  message: 'must be a public key: EC P-256, OKP Ed25519 or RSA',
  schema: { type: 'object', required: ['kty'], properties: { kty: { type: 'string', enum: ['EC', 'OKP', 'RSA'] } } },
};

export const CONSTRAINTS: OwnRule = {
  name: 'areConstraints',
  message: 'must be {operations?: [{method, path} | {mcp_tool}], not_before?: time, max_calls?: number}',
  schema: {
    type: 'object',
    additionalProperties: false,
    properties: {
      not_before: { type: 'string', format: 'date-time' },
      max_calls: { type: 'integer', minimum: 1, maximum: MOST_CALLS },
      operations: {
        type: 'array',
        minItems: 1,
        maxItems: MOST_EDGE_OPERATIONS,
        items: {
          oneOf: [
            {
              type: 'object',
              additionalProperties: false,
              required: ['method', 'path'],
              properties: { method: { type: 'string' }, path: { type: 'string' } },
            },
            {
              type: 'object',
              additionalProperties: false,
              required: ['mcp_tool'],
              properties: { mcp_tool: { type: 'string' } },
            },
          ],
        },
      },
    },
  },
};

export const DIGEST: OwnRule = {
  name: 'isDigest',
  message: 'must be 1–256 visible ASCII characters',
  schema: { type: 'string', pattern: '^[\\x21-\\x7e]{1,256}$' },
};

export const PAYLOAD: OwnRule = {
  name: 'isPayload',
  message: 'must be JSON of at most 64 KiB',
  schema: { description: 'Any JSON, at most 64 KiB.' },
};
