import { randomBytes } from 'node:crypto';
import { describe, it, expect } from '@jest/globals';
import fc from 'fast-check';
import { decodeKey, encodeKey } from './key-text.js';
import { parseAdminToken, parseKey, parseKeyRing, parsePassword } from './parse-secret.js';
import { keyWeakness, textWeakness } from './weakness.js';

const strong = () => randomBytes(32);

describe('[T5] weak keys', () => {
  it.each<[string, Buffer]>([
    ['nothing', Buffer.alloc(0)],
    ['31 random bytes', randomBytes(31)],
    ['zeros', Buffer.alloc(32)],
    ['one byte repeated', Buffer.alloc(64, 0x5a)],
    ['eight bytes repeated', Buffer.from('0123456789abcdef'.repeat(4), 'hex')],
    [
      'half of it repeated',
      Buffer.concat(Array<Buffer>(2).fill(Buffer.from('3be1c0d7f9a1522e64b80cf7a9335d1e', 'hex'))),
    ],
    ['counted up', Buffer.from(Array.from({ length: 32 }, (_, at) => at))],
    ['counted down over the edge', Buffer.from(Array.from({ length: 40 }, (_, at) => 20 - at))],
    ['counted in threes', Buffer.from(Array.from({ length: 32 }, (_, at) => at * 3))],
    [
      'mostly counted',
      Buffer.concat([Buffer.from([9, 200, 3]), Buffer.from(Array.from({ length: 32 }, (_, at) => at + 60))]),
    ],
    ['few different bytes', Buffer.from('aabbababbbaacabcbacbabcaabbcabca')],
  ])('refuses %s', (_name, key) => {
    expect(keyWeakness(key)).toEqual(expect.any(String));
  });

  it('accepts random keys of 32 bytes and more', () => {
    const keys = Array.from({ length: 2000 }, (_, at) => randomBytes(32 + (at % 64)));
    expect(keys.map(keyWeakness).filter((weakness) => weakness !== undefined)).toEqual([]);
  });

  it.each(['', 'password', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaa', 'abcdefghijklmnopqrstuvwxyz', 'changemechangemechangeme'])(
    'refuses the text %j',
    (text) => {
      expect(textWeakness(text)).toEqual(expect.any(String));
    },
  );
});

describe('the text of a key', () => {
  it('gives back the bytes, in each spelling', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 96 }), (bytes) => {
        const key = Buffer.from(bytes);
        expect(decodeKey(encodeKey(key))).toEqual(key);
        expect(decodeKey(key.toString('base64'))).toEqual(key);
        expect(decodeKey(key.toString('hex'))).toEqual(key);
      }),
    );
  });

  it.each(['', 'two words', 'a+b_c', 'ab=cd', 'ключ'])('refuses %j', (text) => {
    expect(decodeKey(text)).toBeUndefined();
  });
});

describe('parsing secrets', () => {
  it('takes strong ones', () => {
    const key = strong();
    expect(parseKey(` ${encodeKey(key)} `)).toEqual({ value: key });
    expect(parseKeyRing(`${encodeKey(key)}\n${key.toString('hex')}\n`)).toEqual({ value: [key, key] });
    expect(parsePassword(encodeKey(key))).toHaveProperty('value');
  });

  it.each([
    ['a sequence that only its text shows', () => parseKey('abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ')],
    ['a key that is no text of one', () => parseKey('not a key')],
    ['an empty ring', () => parseKeyRing('\n')],
    ['a ring with one weak key', () => parseKeyRing(`${encodeKey(strong())}\n${'0'.repeat(64)}`)],
    ['a short password', () => parsePassword('short')],
    ['an admin token without checksum', () => parseAdminToken(`cat_${'a'.repeat(49)}`)],
  ])('[T5] refuses %s', (_name, parse) => {
    expect(parse()).toEqual({ fault: expect.any(String) });
  });
});
