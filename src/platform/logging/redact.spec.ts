import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { describe, it, expect } from '@jest/globals';
import fc from 'fast-check';
import { formatSecret } from '../../kernel/client-secret.js';
import { redactText, redactValue } from './index.js';
import { isSensitiveKey } from './sensitive-keys.js';

const JWT = 'eyJhbGciOiJFUzI1NiIsImtpZCI6IngifQ.eyJzdWIiOiJjYW5hcnkifQ.c2lnbmF0dXJlLWNhbmFyeQ';
const PEM = generateKeyPairSync('ec', {
  namedCurve: 'P-256',
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  publicKeyEncoding: { type: 'spki', format: 'pem' },
}).privateKey;

/** Text, and the part of it that must not survive. */
const SECRETS: readonly (readonly [string, string, string])[] = [
  ['a JWT', `token was ${JWT} in use`, 'c2lnbmF0dXJl'],
  ['an encrypted JWT', 'eyJhbGciOiJkaXIifQ..aXZpdml2.Y2lwaGVy.dGFn', 'Y2lwaGVy'],
  ['a cut JWT', JWT.slice(0, 60), 'eyJzdWIi'],
  ['a PEM block', `key:\n${PEM} end`, PEM.split('\n')[1] ?? ''],
  ['a PEM block on one line', JSON.stringify(PEM), PEM.split('\n')[1] ?? ''],
  ['a PEM block without its end', PEM.slice(0, 120), PEM.split('\n')[1]?.slice(0, 40) ?? ''],
  ['a bearer token', 'sent Bearer opaque-canary-value to', 'canary'],
  ['a lower-case bearer token', 'bearer opaquecanary==', 'canary'],
  ['a DPoP token', 'DPoP opaque.canary', 'canary'],
  ['basic credentials', 'Basic dXNlcjpjYW5hcnk=', 'dXNlcjpj'],
  ['an authorization header', 'authorization: Custom canary, more canary', 'canary'],
  ['an authorization header in JSON', '{"authorization":"Custom canary"}', 'canary'],
  ['a cookie header', 'Cookie: a=canary; b=canary', 'canary'],
  ['a set-cookie header', 'set-cookie: sid=canary; HttpOnly', 'canary'],
  ['the password of a DSN', 'postgres://app:canary@db/x', 'canary'],
  ['a password with slashes and at signs', 'postgresql://app:can/ary@canary@db:5432/x', 'canary'],
  ['a password without a user', 'redis://:canary@cache:6379', 'canary'],
  ['a password in a keyword DSN', "host=db password='canary with canary' user=x", 'canary'],
  ['a form field', 'grant_type=x&client_secret=canary&scope=y', 'canary'],
  ['a query parameter', '/path?access_token=canary&x=1', 'canary'],
  ['an assertion', 'client_assertion=canary', 'canary'],
  ['JSON in a text', '{"refresh_token":"canary"}', 'canary'],
  ['JSON in JSON in a text', '{\\"refresh_token\\":\\"canary\\"}', 'canary'],
  ['a quoted value with spaces', '{"password": "canary of canary"}', 'canary'],
  ['an API key', 'x-api-key: canary', 'canary'],
  ['a camel-case name', 'sessionToken=canary', 'canary'],
  ['an admin token', `used ${formatSecret('cat_', randomBytes(32))}.`, 'cat_'],
  ['a client secret', formatSecret('ccs_', randomBytes(32)), 'ccs_'],
  ['a webhook secret', 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', 'MfKQ9r8'],
  ['an sk- key', 'sk-proj-abcdefghijklmnopqrstuv', 'abcdef'],
  ['a GitHub token', 'ghp_abcdefghijklmnopqrstuvwxyz0123456789', 'abcdef'],
  ['a fine-grained GitHub token', 'github_pat_abcdefghijklmnopqrstuvwxyz', 'abcdef'],
  ['an AWS key id', 'AKIAIOSFODNN7EXAMPLE', 'IOSFODNN'],
  ['a Slack token', 'xoxb-123456789012-abcdefghij', 'abcdefghij'],
  ['a payment key', `${'sk'}_live_abcdefghijkl`, 'abcdefghijkl'],
];

describe('[T5] redaction of texts', () => {
  it.each(SECRETS)('hides %s', (_name, text, secret) => {
    expect(text).toContain(secret);
    expect(redactText(text)).not.toContain(secret);
    expect(redactText(text)).toContain('[redacted]');
  });

  it.each(SECRETS)('hides %s at any depth of a value', (_name, text, secret) => {
    const value = { a: [{ b: text }, text], [text]: 1 };
    expect(JSON.stringify(redactValue(value))).not.toContain(JSON.stringify(secret).slice(1, -1));
  });

  it.each([
    'password authentication failed for user "caracal_app"',
    'GET /z/acme/oauth2/token 200 in 3 ms',
    'Bearer error="invalid_token"',
    'listening on http://127.0.0.1:8080',
    'ask the concat_function for task-force results',
    'https://example.com/a@b',
    'the token_endpoint is https://example.com/token',
  ])('leaves %j as it is', (text) => {
    expect(redactText(text)).toBe(text);
  });

  it('keeps what surrounds a secret', () => {
    expect(redactText('postgres://app:pw@db:5432/x failed')).toBe('postgres://app:[redacted]@db:5432/x failed');
    expect(redactText('?a=1&access_token=x&b=2')).toBe('?a=1&access_token=[redacted]&b=2');
  });

  it.each(['a-', '://a:', 'eyJ', '-eyJabcdef', 'token', 'Bearer ', ' ', '-----BEGIN ', 'cookie', 'x@', '\\'])(
    'comes to an end on %j repeated',
    (part) => {
      expect(redactText(`token=x ${part.repeat(200_000 / part.length)}`).length).toBeLessThan(200_000);
    },
  );

  it('is done once: redacting again changes nothing', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.constantFrom(...SECRETS.map(([, text]) => text)), fc.string())), (parts) => {
        const once = redactText(parts.join(' '));
        expect(redactText(once)).toBe(once);
      }),
    );
  });
});

describe('[T5] redaction by name', () => {
  it.each([
    'authorization',
    'Proxy-Authorization',
    'cookie',
    'Set-Cookie',
    'access_token',
    'subjectToken',
    'TOKEN',
    'client_secret',
    'secret',
  ])('hides what is called %s', (name) => {
    expect(redactValue({ deep: [{ [name]: 'plain' }] })).toEqual({ deep: [{ [name]: '[redacted]' }] });
  });

  it.each([
    'password',
    'databasePassword',
    'x-api-key',
    'apiKey',
    'private_key',
    'client_assertion',
    'code_verifier',
    'kek',
  ])('hides what is called %s', (name) => {
    expect(redactValue({ [name]: { nested: ['plain', 7] } })).toEqual({ [name]: '[redacted]' });
  });

  it.each(['token_type', 'token_endpoint', 'secret_shown', 'requestId', 'zone', 'cookies_allowed', 'key'])(
    'shows what is called %s',
    (name) => {
      expect(isSensitiveKey(name)).toBe(false);
    },
  );

  it('keeps whether there was one at all', () => {
    expect(redactValue({ token: null, secret: true, password: 0 })).toEqual({
      token: null,
      secret: true,
      password: '[redacted]',
    });
  });
});
