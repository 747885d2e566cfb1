import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { canonicalize } from './canonical-json.js';
import { type JsonFault, type JsonValue, StrictJsonError, isJsonObject, parseJsonStrict } from './json.js';

function faultOf(text: string, maxDepth?: number): JsonFault | undefined {
  try {
    parseJsonStrict(text, maxDepth === undefined ? {} : { maxDepth });
    return undefined;
  } catch (error) {
    if (error instanceof StrictJsonError) return error.reason;
    throw error;
  }
}

describe('parseJsonStrict', () => {
  const refused: [string, string, JsonFault][] = [
    ['text that is not JSON', '{a:1}', 'syntax'],
    ['nothing', '', 'syntax'],
    ['a second value', '1 2', 'syntax'],
    ['a duplicate member (RFC 8725 §3.10)', '{"a":1,"a":2}', 'duplicate_member'],
    ['a duplicate member deep inside', '[{"x":{"b":1 , "b" : 2}}]', 'duplicate_member'],
    ['a duplicate member hidden by an escape', '{"alg":1,"\\u0061lg":2}', 'duplicate_member'],
    ['a duplicate member after a nested object', '{"a":{"a":1},"b":[{"a":2}],"a":3}', 'duplicate_member'],
    ['__proto__', '{"__proto__":{}}', 'forbidden_member'],
    ['__proto__ hidden by an escape', '{"\\u005f_proto__":{}}', 'forbidden_member'],
    ['constructor', '{"a":{"constructor":1}}', 'forbidden_member'],
    ['prototype', '{"prototype":1}', 'forbidden_member'],
    ['an escaped lone surrogate (RFC 7493 §2.1)', '"\\ud800"', 'lone_surrogate'],
    ['an escaped lone surrogate in a name', '{"\\udc00":1}', 'lone_surrogate'],
    ['a raw lone surrogate', '"\ud800"', 'lone_surrogate'],
    ['a number beyond a double (RFC 8259 §6)', '[1e400]', 'number_out_of_range'],
    ['a negative number beyond a double', '{"a":-1e400}', 'number_out_of_range'],
  ];
  it.each(refused)('[T1] refuses %s', (_name, text, reason) => {
    expect(faultOf(text)).toBe(reason);
  });

  const accepted = [
    '1',
    '-0.5e+3',
    '"a\\"b\\\\"',
    '"\\ud83d\\ude00"',
    'null',
    ' { "a" : [ true , false , { } , [ ] ] } ',
    '{"a":"a","b":"a"}',
    '["a","a"]',
    '{"":""}',
    '{"a":"\\":1"}',
  ];
  it.each(accepted)('reads %s as JSON.parse does', (text) => {
    expect(parseJsonStrict(text)).toEqual(JSON.parse(text));
  });

  it('[T1] counts depth over arrays and objects together', () => {
    expect(faultOf('[[{"a":[1]}]]', 4)).toBeUndefined();
    expect(faultOf('[[{"a":[1]}]]', 3)).toBe('too_deep');
    expect(faultOf('1', 0)).toBeUndefined();
    expect(faultOf('[[],[],[],{},{}]', 2)).toBeUndefined();
    expect(faultOf('['.repeat(100_000) + ']'.repeat(100_000))).toBe('too_deep');
  });

  it('says nothing of the refused text in its message', () => {
    expect(() => parseJsonStrict('{"s3cret":1,"s3cret":2}')).toThrow(/^JSON refused: duplicate_member$/);
  });

  it('parse ∘ canonicalize is the identity', () => {
    fc.assert(
      fc.property(fc.jsonValue({ noUnicodeString: false, maxDepth: 6 }), (value) => {
        const plain = JSON.parse(JSON.stringify(value)) as JsonValue;
        const text = canonicalize(plain);
        fc.pre(!/"(__proto__|constructor|prototype)":/.test(text));
        expect(parseJsonStrict(text)).toEqual(JSON.parse(text));
        expect(canonicalize(parseJsonStrict(text))).toBe(text);
      }),
    );
  });

  it('agrees with JSON.parse on any text it accepts and refuses what JSON.parse refuses', () => {
    const fragment = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      ':',
      ',',
      '"a"',
      '"b"',
      '"\\u0061"',
      '1',
      '-2e9',
      'true',
      ' ',
      '\n',
    );
    fc.assert(
      fc.property(fc.array(fragment, { maxLength: 12 }), (parts) => {
        const text = parts.join('');
        let expected: unknown;
        try {
          expected = JSON.parse(text);
        } catch {
          expect(faultOf(text)).toBe('syntax');
          return;
        }
        const fault = faultOf(text);
        if (fault === undefined) expect(parseJsonStrict(text)).toEqual(expected);
        else expect(fault).toBe('duplicate_member');
      }),
      { numRuns: 500 },
    );
  });
});

describe('isJsonObject', () => {
  it.each([
    [{}, true],
    [[], false],
    [null, false],
    ['x', false],
    [undefined, false],
  ])('%p → %p', (value, expected) => {
    expect(isJsonObject(value)).toBe(expected);
  });
});
