import { describe, expect, it } from '@jest/globals';
import { OAuthError } from '../../kernel/oauth-error.js';
import { Parameters } from './parameters.js';
import { CLIENT_PARAMETERS, JWT_BEARER_ASSERTION, type PresentedClient, presentedClient } from './presented-client.js';

const ASSERTION = { client_assertion: 'x.y.z', client_assertion_type: JWT_BEARER_ASSERTION };

function present(authorization: string[], fields: Record<string, string>): PresentedClient {
  const values = (name: string): string[] => (fields[name] === undefined ? [] : [fields[name]]);
  return presentedClient(authorization, new Parameters({ values }, { single: CLIENT_PARAMETERS, repeatable: [] }));
}

function basic(id: string, secret: string): string {
  return `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`;
}

function codeOf(read: () => unknown): string {
  try {
    read();
  } catch (error) {
    if (error instanceof OAuthError) return error.code;
    throw error;
  }
  throw new Error('expected a refusal');
}

describe('presentedClient', () => {
  it('reads client_secret_basic, form-decoding both halves (RFC 6749 §2.3.1)', () => {
    expect(present([basic('a%3Ab+c', 's%3A%2B:x')], {})).toEqual({
      method: 'client_secret_basic',
      clientId: 'a:b c',
      secret: 's:+:x',
    });
    expect(present([basic('a', 'b')], { client_id: 'a' })).toMatchObject({ clientId: 'a' });
    expect(present([basic('a', 'b').replace('Basic', 'bASIC')], {})).toMatchObject({ clientId: 'a' });
  });

  it('reads client_secret_post and private_key_jwt (RFC 7523 §2.2)', () => {
    expect(present([], { client_id: 'a', client_secret: 'b' })).toEqual({
      method: 'client_secret_post',
      clientId: 'a',
      secret: 'b',
    });
    expect(present([], ASSERTION)).toEqual({ method: 'private_key_jwt', clientId: undefined, assertion: 'x.y.z' });
  });

  const twice: [string, string[], Record<string, string>][] = [
    ['Basic and a secret in the body', [basic('a', 'b')], { client_id: 'a', client_secret: 'b' }],
    ['Basic and an assertion', [basic('a', 'b')], ASSERTION],
    ['a secret and an assertion', [], { client_id: 'a', client_secret: 'b', ...ASSERTION }],
    ['two Authorization headers', [basic('a', 'b'), basic('a', 'b')], {}],
    ['an assertion without its type', [], { client_assertion: 'x' }],
    ['an assertion type without assertion', [], { client_assertion_type: JWT_BEARER_ASSERTION }],
    ['a client id that contradicts the header', [basic('a', 'b')], { client_id: 'c' }],
  ];
  it.each(twice)('[T2] refuses %s as invalid_request (RFC 6749 §2.3)', (_name, authorization, fields) => {
    expect(codeOf(() => present(authorization, fields))).toBe('invalid_request');
  });

  const unusable: [string, string[], Record<string, string>][] = [
    ['nothing', [], {}],
    ['a client id alone', [], { client_id: 'a' }],
    ['a secret alone', [], { client_secret: 'b' }],
    ['another scheme', ['Bearer abc'], {}],
    ['Basic that is not base64', ['Basic ???'], {}],
    ['Basic without a colon', [`Basic ${Buffer.from('ab').toString('base64')}`], {}],
    ['Basic without an id', [basic('', 'b')], {}],
    ['Basic without a secret', [basic('a', '')], {}],
    ['Basic with broken encoding', [basic('a', '%zz')], {}],
    [
      'an unknown assertion type',
      [],
      { client_assertion: 'x', client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:saml2-bearer' },
    ],
  ];
  it.each(unusable)('[T2] refuses %s as invalid_client (RFC 6749 §5.2)', (_name, authorization, fields) => {
    expect(codeOf(() => present(authorization, fields))).toBe('invalid_client');
  });
});
