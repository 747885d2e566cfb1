import { describe, expect, it } from '@jest/globals';
import reference from 'canonicalize';
import fc from 'fast-check';
import { canonicalize, canonicalizePresent } from './canonical-json.js';
import type { JsonValue } from './json.js';

describe('canonicalize (RFC 8785)', () => {
  it('prints the example of §3.2.4', () => {
    const value = {
      numbers: [Number('333333333.33333329'), 1e30, 4.5, 2e-3, 0.000000000000000000000000001],
      string: "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\u0022\u002f",
      literals: [null, true, false],
    };
    expect(canonicalize(value)).toBe(
      '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
    );
  });

  it('sorts members by UTF-16 code units (§3.2.3)', () => {
    const value = {
      '\u20ac': 'Euro Sign',
      '\r': 'Carriage Return',
      '\ufb33': 'Hebrew',
      '1': 'One',
      '\ud83d\ude00': 'Emoji',
      '\u0080': 'Control',
      ö: 'Latin',
    };
    expect(
      [...canonicalize(value).matchAll(/"(Carriage Return|One|Control|Latin|Euro Sign|Emoji|Hebrew)"/g)].map(
        (match) => match[1],
      ),
    ).toEqual(['Carriage Return', 'One', 'Control', 'Latin', 'Euro Sign', 'Emoji', 'Hebrew']);
  });

  const numbers: [number, string][] = [
    [0, '0'],
    [-0, '0'],
    [5e-324, '5e-324'],
    [-5e-324, '-5e-324'],
    [1.7976931348623157e308, '1.7976931348623157e+308'],
    [9007199254740992, '9007199254740992'],
    [295147905179352830000, '295147905179352830000'],
    [9.999999999999997e22, '9.999999999999997e+22'],
    [1e23, '1e+23'],
    [333333333.3333332, '333333333.3333332'],
    [-0.0000033333333333333333, '-0.0000033333333333333333'],
  ];
  it.each(numbers)('prints %p as appendix B does', (value, text) => {
    expect(canonicalize(value)).toBe(text);
  });

  const refused: [string, unknown][] = [
    ['NaN', Number.NaN],
    ['an infinity', { a: [Number.POSITIVE_INFINITY] }],
    ['undefined', undefined],
    ['an undefined member', { a: undefined }],
    ['a lone surrogate', ['\ud800']],
    ['a lone surrogate in a name', { '\udc00': 1 }],
    ['a bigint', 1n],
    ['a function', () => 1],
    ['a symbol', Symbol('s')],
    ['a Date', new Date(0)],
    ['a Map', new Map()],
    ['a hole in an array', new Array<number>(1)],
  ];
  it.each(refused)('refuses %s', (_name, value) => {
    expect(() => canonicalize(value as JsonValue)).toThrow(TypeError);
  });

  it('refuses a value that contains itself', () => {
    const loop: Record<string, unknown> = {};
    loop['self'] = loop;
    expect(() => canonicalize(loop as unknown as JsonValue)).toThrow(/nested too deeply/);
  });

  it('agrees with the reference implementation on any JSON value', () => {
    fc.assert(
      fc.property(fc.jsonValue({ noUnicodeString: false }), (value) => {
        expect(canonicalize(value as JsonValue)).toBe(reference(value));
      }),
      { numRuns: 500 },
    );
  });

  it('is idempotent and blind to the order of members', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
        const reversed = Object.fromEntries(Object.entries(value).reverse()) as JsonValue;
        const text = canonicalize(reversed);
        expect(text).toBe(canonicalize(Object.fromEntries(Object.entries(value)) as JsonValue));
        expect(canonicalize(JSON.parse(text) as JsonValue)).toBe(text);
      }),
    );
  });
});

describe('canonicalizePresent', () => {
  it('leaves out absent members at every depth, and nothing else', () => {
    expect(canonicalizePresent({ b: undefined, a: { d: undefined, c: [{ e: undefined }] }, f: null })).toBe(
      '{"a":{"c":[{}]},"f":null}',
    );
    expect(() => canonicalizePresent([undefined])).toThrow(TypeError);
  });

  it('is canonicalize where nothing is absent', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue()), (value) => {
        expect(canonicalizePresent(value)).toBe(canonicalize(value as JsonValue));
      }),
    );
  });
});
