import { describe, expect, it } from '@jest/globals';
import { OAuthError } from '../../kernel/oauth-error.js';
import {
  ACCESS_TOKEN_TYPE,
  EXCHANGE_PARAMETERS,
  type ExchangeRequest,
  readExchangeRequest,
} from './exchange-request.js';
import { Parameters } from './parameters.js';

const BASE = { subject_token: 's', subject_token_type: ACCESS_TOKEN_TYPE, resource: 'https://r' };
const DELEGATION = 'del_018f2f6e-7b3a-7c41-9d2e-0123456789ab';

function read(fields: Record<string, string | undefined>): ExchangeRequest {
  const values = (name: string): string[] => (fields[name] === undefined ? [] : [fields[name]]);
  return readExchangeRequest(new Parameters({ values }, EXCHANGE_PARAMETERS));
}

describe('readExchangeRequest (RFC 8693 §2.1)', () => {
  it('reads everything an exchange may carry', () => {
    const actor = { actor_token: 'a', actor_token_type: ACCESS_TOKEN_TYPE };
    const rest = {
      audience: 'aud',
      scope: 'x y',
      delegation: DELEGATION,
      lifetime: '60',
      requested_token_type: ACCESS_TOKEN_TYPE,
    };
    expect(read({ ...BASE, ...actor, ...rest })).toEqual({
      subjectToken: 's',
      subjectKind: 'access_token',
      nonce: undefined,
      actorToken: 'a',
      resources: ['https://r'],
      audiences: ['aud'],
      scope: new Set(['x', 'y']),
      delegation: DELEGATION,
      lifetime: 60,
    });
  });

  const refused: [string, Record<string, string | undefined>, string][] = [
    ['no subject token', { subject_token: undefined }, 'invalid_request'],
    ['no subject token type', { subject_token_type: undefined }, 'invalid_request'],
    ['a SAML subject', { subject_token_type: 'urn:ietf:params:oauth:token-type:saml2' }, 'invalid_request'],
    [
      'a refresh token as subject',
      { subject_token_type: 'urn:ietf:params:oauth:token-type:refresh_token' },
      'invalid_request',
    ],
    [
      'an id_token without an actor',
      { subject_token_type: 'urn:ietf:params:oauth:token-type:id_token' },
      'invalid_request',
    ],
    [
      'an id_token as actor',
      { actor_token: 'a', actor_token_type: 'urn:ietf:params:oauth:token-type:id_token' },
      'invalid_request',
    ],
    ['an actor without type', { actor_token: 'a' }, 'invalid_request'],
    ['an actor type without actor', { actor_token_type: ACCESS_TOKEN_TYPE }, 'invalid_request'],
    [
      'another requested type',
      { requested_token_type: 'urn:ietf:params:oauth:token-type:refresh_token' },
      'invalid_request',
    ],
    ['a delegation that is no id', { delegation: 'x' }, 'invalid_request'],
    ['a malformed scope', { scope: 'a  b' }, 'invalid_scope'],
    [
      'authorization details of no registered type (RFC 9396 §5)',
      { authorization_details: '[]' },
      'invalid_authorization_details',
    ],
  ];
  it.each(refused)('[T2] refuses %s', (_name, change, code) => {
    let found: unknown;
    try {
      read({ ...BASE, ...change });
    } catch (error) {
      found = error instanceof OAuthError ? error.code : error;
    }
    expect(found).toBe(code);
  });
});
