import { describe, expect, it } from '@jest/globals';
import { AppError, PROBLEM_CODES, problemStatus } from './app-error.js';
import { OAUTH_ERROR_CODES, OAuthError, oauthStatus } from './oauth-error.js';

describe('AppError', () => {
  it('every code is snake_case, distinct and has an error status', () => {
    expect(new Set(PROBLEM_CODES).size).toBe(PROBLEM_CODES.length);
    for (const code of PROBLEM_CODES) {
      expect(code).toMatch(/^[a-z]+(_[a-z]+)*$/);
      expect(problemStatus(code)).toBeGreaterThanOrEqual(400);
    }
  });

  it('[T5] keeps what is public apart from what is for the log', () => {
    const cause = new Error('socket');
    const error = new AppError('conflict', 'the slug is taken', {
      detail: 'row 7',
      cause,
      errors: [{ field: 'slug', message: 'taken' }],
    });
    expect(error).toMatchObject({
      code: 'conflict',
      publicDetail: 'the slug is taken',
      message: 'the slug is taken',
      detail: 'row 7',
      cause,
    });
    expect(error.message).not.toContain('row 7');
    expect(error.retryAfter).toBeUndefined();
  });
});

describe('OAuthError', () => {
  it('answers 400 unless RFC 6749 §5.2 or the contract says otherwise', () => {
    const others = Object.fromEntries(
      OAUTH_ERROR_CODES.map((code) => [code, oauthStatus(code)]).filter(([, status]) => status !== 400),
    );
    expect(others).toEqual({
      invalid_client: 401,
      access_denied: 403,
      temporarily_unavailable: 503,
      server_error: 500,
    });
  });

  it('takes a status of its own and keeps the detail out of the description', () => {
    const error = new OAuthError('invalid_request', 'send a form', {
      status: 415,
      detail: 'text/plain',
      members: { reason: 'x' },
    });
    expect(error).toMatchObject({
      status: 415,
      description: 'send a form',
      detail: 'text/plain',
      members: { reason: 'x' },
    });
    expect(error.message).not.toContain('text/plain');
  });
});
