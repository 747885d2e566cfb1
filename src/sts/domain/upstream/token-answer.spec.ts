import { describe, expect, it } from '@jest/globals';
import { readTokenAnswer } from './token-answer.js';

const read = (status: number, body: unknown, retryAfter?: string) =>
  readTokenAnswer({
    status,
    retryAfter,
    body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
  });

describe("an upstream's token answer", () => {
  it('is a token with what is said of it (RFC 6749 §5.1)', () => {
    expect(
      read(200, { access_token: 'at', token_type: 'bearer', expires_in: 60, refresh_token: 'rt', scope: 'a' }),
    ).toEqual({ token: { accessToken: 'at', expiresIn: 60, refreshToken: 'rt', scope: 'a' } });
    expect(read(200, { access_token: 'at', expires_in: '3599' })).toMatchObject({ token: { expiresIn: 3_599 } });
    expect(read(200, { access_token: 'at', expires_in: -5 })).toMatchObject({ token: { expiresIn: undefined } });
  });

  it.each<[string, number, unknown, string, string]>([
    ['a spent grant (RFC 6749 §5.2)', 400, { error: 'invalid_grant' }, 'spent', 'invalid_grant'],
    ['a client that is not known', 401, { error: 'invalid_client' }, 'permanent', 'invalid_client'],
    [
      'an error under a status of success',
      200,
      { error: 'invalid_scope', access_token: 'x' },
      'permanent',
      'invalid_scope',
    ],
    ['an error it made up', 400, { error: 'canary canary' }, 'permanent', 'status_400'],
    ['no JSON at all', 404, '<html>canary</html>', 'permanent', 'status_404'],
    ['a server that fails', 500, 'canary', 'transient', 'status_500'],
    ['a server that is busy', 429, {}, 'transient', 'status_429'],
    ['a redirect', 302, '', 'permanent', 'status_302'],
    [
      'a busy server in the words of OAuth',
      400,
      { error: 'temporarily_unavailable' },
      'transient',
      'temporarily_unavailable',
    ],
    ['success without a token', 200, {}, 'transient', 'malformed_answer'],
    ['success that is no JSON', 200, 'canary', 'transient', 'malformed_answer'],
    ['[T3] a token that would break a header', 200, { access_token: 'a\r\nb: c' }, 'transient', 'malformed_answer'],
    ['a duplicate member', 200, '{"access_token":"a","access_token":"b"}', 'transient', 'malformed_answer'],
    [
      'a token of another type (RFC 6749 §7.1)',
      200,
      { access_token: 'a', token_type: 'DPoP' },
      'permanent',
      'unsupported_token_type',
    ],
  ])('[T5] %s is a fault without a word of the upstream', (_, status, body, fault, code) => {
    const outcome = read(status, body);
    expect(outcome).toMatchObject({ fault, code });
    expect(JSON.stringify(outcome)).not.toContain('canary');
  });

  it('keeps how long to wait, when it is a number of seconds', () => {
    expect(read(503, '', '7')).toMatchObject({ retryAfterMs: 7_000 });
    expect(read(503, '', 'Fri, 01 Jan 2027 00:00:00 GMT')).toMatchObject({ retryAfterMs: undefined });
  });
});
