import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import type { TokenClaims } from '../../../auth/index.js';
import { formatState, readCallback, stateHash, zoneOfState } from './connection-state.js';
import { basisOf, providerSettings, scopesOf } from './provider-settings.js';
import {
  authorizeUrl,
  clientCredentialsRequest,
  exchangeRequest,
  exchangeSubject,
  federatedName,
  refreshRequest,
} from './token-request.js';

const settings = (config: object = {}) =>
  providerSettings({ token_endpoint: 'https://as.example/token', client_id: 'c', auth_method: 'none', ...config });

describe('requests to a token endpoint', () => {
  it('name every target that is configured (RFC 6749 §4.4.2, RFC 8707 §2)', () => {
    const config = { scope: 'a b', audience: ['x', 'y'], resource: 'https://r.example', params: { tenant: 't' } };
    expect(clientCredentialsRequest(settings(config))).toEqual([
      ['grant_type', 'client_credentials'],
      ['scope', 'a b'],
      ['audience', 'x'],
      ['audience', 'y'],
      ['resource', 'https://r.example'],
      ['tenant', 't'],
    ]);
    expect(clientCredentialsRequest(settings())).toEqual([['grant_type', 'client_credentials']]);
  });

  it('exchange the caller’s token (RFC 8693 §2.1) and refresh without widening (RFC 6749 §6)', () => {
    expect(exchangeRequest(settings({ requested_token_type: 'urn:x' }), 'st').slice(0, 4)).toEqual([
      ['grant_type', 'urn:ietf:params:oauth:grant-type:token-exchange'],
      ['subject_token', 'st'],
      ['subject_token_type', 'urn:ietf:params:oauth:token-type:jwt'],
      ['requested_token_type', 'urn:x'],
    ]);
    expect(refreshRequest(settings({ scope: 'a' }), 'rt')).toEqual([
      ['grant_type', 'refresh_token'],
      ['refresh_token', 'rt'],
    ]);
  });

  it('send the owner with an S256 challenge (RFC 7636 §4.3) and cannot be steered by extra parameters', () => {
    const config = {
      authorization_endpoint: 'https://as.example/authorize?tenant=1',
      scope: 'read',
      params: { access_type: 'offline' },
    };
    const flow = { state: 's', verifier: 'v'.repeat(43), redirectUri: 'https://me.example/oauth2/callback' };
    const url = new URL(authorizeUrl(settings(config), flow));
    expect(Object.fromEntries(url.searchParams)).toEqual({
      tenant: '1',
      access_type: 'offline',
      response_type: 'code',
      client_id: 'c',
      redirect_uri: flow.redirectUri,
      scope: 'read',
      state: 's',
      code_challenge: createHash('sha256').update(flow.verifier).digest('base64url'),
      code_challenge_method: 'S256',
    });
  });
});

describe('what a token is kept under', () => {
  it('[T5] changes with configuration, secret and connection, not with the order of scopes', () => {
    const provider = { kind: 'oauth2_client_credentials', config: { a: 1 }, secretVersion: 1 };
    const bases = [
      basisOf(provider, undefined),
      basisOf({ ...provider, config: { a: 2 } }, undefined),
      basisOf({ ...provider, secretVersion: 2 }, undefined),
      basisOf(provider, 'con_1'),
    ];
    expect(new Set(bases).size).toBe(4);
    expect(scopesOf(settings({ scope: 'b a' }))).toBe(scopesOf(settings({ scope: 'a b' })));
  });

  it('[T5] no two callers that differ in anything an exchanged token may say share one', () => {
    const claims = { sub: 'user:i:a', sub_type: 'user', client_id: 'app', scope: 'read', sid: 's1' } as TokenClaims;
    const others: Partial<TokenClaims>[] = [
      { sub: 'user:i:b' },
      { client_id: 'other' },
      { scope: 'read write' },
      { sid: 's2' },
      { act: { sub: 'x' } },
      { dlg: 'd' },
      { authorization_details: [{ type: 'x' }] },
    ];
    const keys = [claims, ...others.map((other) => ({ ...claims, ...other }))].map((one) => exchangeSubject(one, 'r'));
    expect(new Set([...keys, exchangeSubject(claims, 'r2')]).size).toBe(others.length + 2);
    expect(exchangeSubject({ ...claims, jti: 'another' }, 'r')).toBe(keys[0]);
  });

  it('a user is called as their own issuer calls them', () => {
    expect(federatedName({ sub: 'user:sis_1:a:b', sub_type: 'user' })).toBe('a:b');
    expect(federatedName({ sub: 'app:x', sub_type: 'application' })).toBeUndefined();
  });
});

describe('the way back of a connect flow', () => {
  it('finds its zone by a state that cannot be guessed', () => {
    const state = formatState('acme-1', Buffer.alloc(32, 7));
    expect(zoneOfState(state)).toBe('acme-1');
    expect(stateHash(state)).toHaveLength(32);
    for (const other of [undefined, '', 'acme', 'acme.', `.${'a'.repeat(43)}`, `_system.${'a'.repeat(43)}`, [state]])
      expect(zoneOfState(other)).toBeUndefined();
  });

  it.each<[string, object, string | undefined, object]>([
    ['a code', { code: 'c' }, undefined, { code: 'c' }],
    ['a code of the right issuer (RFC 9207)', { code: 'c', iss: 'https://i' }, 'https://i', { code: 'c' }],
    ['[T2] a code of another issuer', { code: 'c', iss: 'https://j' }, 'https://i', { refused: 'wrong_issuer' }],
    ['[T2] a code of no issuer where one is named', { code: 'c' }, 'https://i', { refused: 'wrong_issuer' }],
    ['a refusal', { error: 'access_denied' }, undefined, { refused: 'access_denied' }],
    ['[T5] a refusal in words of its own', { error: '<script>' }, undefined, { refused: 'authorization_failed' }],
    ['nothing', {}, undefined, { refused: 'no_code' }],
    ['two codes', { code: ['a', 'b'] }, undefined, { refused: 'no_code' }],
  ])('takes %s for what it is', (_, parameters, issuer, outcome) => {
    expect(readCallback(parameters, issuer)).toEqual(outcome);
  });
});
