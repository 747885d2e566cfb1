import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parseTarget } from './target.js';

describe('parseTarget', () => {
  it.each([
    ['/g/z/s', { zone: 'z', slug: 's', path: '', query: '' }],
    ['/g/z/s/', { zone: 'z', slug: 's', path: '/', query: '' }],
    ['/g/z/s?', { zone: 'z', slug: 's', path: '', query: '?' }],
    [
      '/g/acme/github/repos//x/?a=1&b=%20&&?',
      { zone: 'acme', slug: 'github', path: '/repos//x/', query: '?a=1&b=%20&&?' },
    ],
    ['/g/z/s/a%2Fb;c=d/é?x=/../', { zone: 'z', slug: 's', path: '/a%2Fb;c=d/é', query: '?x=/../' }],
    ['/g/z/s?redirect=/g/other/one', { zone: 'z', slug: 's', path: '', query: '?redirect=/g/other/one' }],
  ])('splits %s', (raw, expected) => {
    expect(parseTarget(raw)).toEqual(expected);
  });

  it.each([
    '/g',
    '/g/',
    '/g/z',
    '/g/z/',
    '/g//s/x',
    '/g/z//x',
    '/g/Z/s',
    '/g/z%61/s',
    '/g/z/s.x/',
    '/g/-z/s',
    '/g/z/s-',
    `/g/z/${'s'.repeat(64)}`,
    '/x/z/s',
    '/gz/s',
    '/g/z?/s',
  ])('answers not_found for %s', (raw) => {
    expect(parseTarget(raw)).toBe('not_found');
  });

  it.each([
    'http://host/g/z/s',
    'https://127.0.0.1/g/z/s/x',
    'host:80',
    '*',
    '',
    'g/z/s',
    '/g/z/s/a b',
    '/g/z/s#f',
    '/g/z/s?q#f',
    '/g/z/s/\u0001',
    '/g/z/s/\u007f',
    '/g/z/s?\t',
    '/g/z/s/\r\nx:y',
  ])('[T3] refuses %p as invalid_request (RFC 9112 §3.2)', (raw) => {
    expect(parseTarget(raw)).toBe('invalid_request');
  });

  it('keeps every byte after the slug', () => {
    const byte = fc
      .integer({ min: 0x21, max: 0xff })
      .filter((code) => code !== 0x7f && code !== 0x23)
      .map((code) => String.fromCharCode(code));
    fc.assert(
      fc.property(
        fc.array(byte).map((bytes) => bytes.join('')),
        (rest) => {
          const raw = `/g/zone/slug/${rest}`;
          const target = parseTarget(raw);
          expect(typeof target === 'object' && target.path + target.query).toBe(`/${rest}`);
        },
      ),
    );
  });
});
