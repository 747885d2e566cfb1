import { describe, expect, it } from '@jest/globals';
import { dpopChallenge, insufficientScopeChallenge, unauthorizedChallenge } from './challenge.js';
import { GATEWAY_STATUS, GatewayError, type GatewayCode } from './gateway-error.js';

const metadataUrl = 'http://h/.well-known/oauth-protected-resource/g/z/s';

describe('challenges', () => {
  it('names no error when no token was sent (RFC 6750 §3.1)', () => {
    expect(unauthorizedChallenge({ metadataUrl, tokenPresented: false })).toBe(
      `Bearer resource_metadata="${metadataUrl}"`,
    );
  });

  it('names invalid_token when one was (RFC 9728 §5.1)', () => {
    expect(unauthorizedChallenge({ metadataUrl, tokenPresented: true })).toBe(
      `Bearer resource_metadata="${metadataUrl}", error="invalid_token"`,
    );
  });

  it('names the scopes of the operation when they are known (RFC 6750 §3)', () => {
    const facts = { metadataUrl, tokenPresented: false, scope: 'a b' };
    expect(unauthorizedChallenge(facts)).toBe(`Bearer resource_metadata="${metadataUrl}", scope="a b"`);
    expect(dpopChallenge(facts, ['ES256'], 'invalid_token')).toBe(
      `DPoP resource_metadata="${metadataUrl}", error="invalid_token", algs="ES256", scope="a b"`,
    );
  });

  it('lists all that the operation needs in one 403 challenge', () => {
    expect(insufficientScopeChallenge({ metadataUrl, tokenPresented: true, scope: 'a b' })).toBe(
      `Bearer resource_metadata="${metadataUrl}", error="insufficient_scope", scope="a b"`,
    );
  });
});

describe('GatewayError', () => {
  it.each(Object.entries(GATEWAY_STATUS))(
    '%s is answered with %d, and 503 always says when to come back',
    (code, status) => {
      const error = new GatewayError(code as GatewayCode, { detail: 'only for the log' });
      expect(error.status).toBe(status);
      expect(error.retryAfter).toBe(status === 503 ? 1 : undefined);
      expect(error.message).toBe(code);
    },
  );
});
