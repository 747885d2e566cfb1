import { describe, expect, it } from '@jest/globals';
import { AppError } from '../../../kernel/app-error.js';
import { byIdentifier } from './named-resources.js';

const KNOWN: Record<string, { identifier: string }> = {
  'https://mail.example': { identifier: 'https://mail.example' },
  'http://127.0.0.1/g/z/mail': { identifier: 'https://mail.example' },
};
const find = (target: string) => KNOWN[target];

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof AppError) return error.code;
  }
  return 'none';
}

describe('resources that are passed on', () => {
  it('are named by identifier or gateway URL and kept by identifier', () => {
    expect(byIdentifier([{ resource: 'http://127.0.0.1/g/z/mail', scopes: ['read'] }], find)).toEqual([
      { resource: 'https://mail.example', scopes: new Set(['read']) },
    ]);
  });

  it('that do not exist are held by nobody', () => {
    expect(codeOf(() => byIdentifier([{ resource: 'https://other.example', scopes: ['read'] }], find))).toBe(
      'authority_exceeded',
    );
  });

  it('are named once', () => {
    const twice = Object.keys(KNOWN).map((resource) => ({ resource, scopes: ['read'] }));
    expect(codeOf(() => byIdentifier(twice, find))).toBe('invalid_request');
  });
});
