import { describe, expect, it } from '@jest/globals';
import { OAuthError } from '../../kernel/oauth-error.js';
import { type FormValues, Parameters } from './parameters.js';

const NAMES = { single: ['scope', 'lifetime', 'token'], repeatable: ['resource'] };

function form(text: string): FormValues {
  const search = new URLSearchParams(text);
  return { values: (name) => search.getAll(name) };
}

function codeOf(read: () => unknown): string | undefined {
  try {
    read();
    return undefined;
  } catch (error) {
    return error instanceof OAuthError ? error.code : 'unexpected';
  }
}

describe('Parameters', () => {
  it('refuses a repeated single-valued parameter, also with equal values (RFC 6749 §3.2)', () => {
    expect(codeOf(() => new Parameters(form('token=a&token=a'), NAMES))).toBe('invalid_request');
    expect(codeOf(() => new Parameters(form('token=a&token='), NAMES))).toBe('invalid_request');
  });

  it('keeps repeatable parameters and ignores unknown ones, repeated or not', () => {
    const parameters = new Parameters(form('resource=x&resource=y&other=1&other=2'), NAMES);
    expect(parameters.all('resource')).toEqual(['x', 'y']);
    expect(parameters.one('other')).toBeUndefined();
  });

  it('a parameter without a value counts as omitted (RFC 6749 §3.2)', () => {
    const parameters = new Parameters(form('token=&resource=&resource=x'), NAMES);
    expect(parameters.one('token')).toBeUndefined();
    expect(parameters.all('resource')).toEqual(['x']);
    expect(codeOf(() => parameters.required('token'))).toBe('invalid_request');
  });

  it('reads scope as a set and refuses a malformed one as invalid_scope (RFC 6749 §3.3)', () => {
    expect(new Parameters(form('scope=b+a+b'), NAMES).scope()).toEqual(new Set(['a', 'b']));
    expect(new Parameters(form(''), NAMES).scope()).toBeUndefined();
    for (const text of ['a++b', '+a', 'a%22', '%C3%A9'])
      expect(codeOf(() => new Parameters(form(`scope=${text}`), NAMES).scope())).toBe('invalid_scope');
  });

  it.each([
    ['60', 60],
    ['900', 900],
  ])('reads the lifetime %s', (text, seconds) => {
    expect(new Parameters(form(`lifetime=${text}`), NAMES).lifetime()).toBe(seconds);
  });

  it.each(['0', '-1', '1.5', '1e2', '0x10', 'abc', ' 1', '9999999999'])('refuses the lifetime %p', (text) => {
    expect(codeOf(() => new Parameters(form(`lifetime=${text}`), NAMES).lifetime())).toBe('invalid_request');
  });
});
