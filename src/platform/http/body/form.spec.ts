import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Form, FormError, parseForm } from './form.js';

const parse = (text: string) => parseForm(Buffer.from(text, 'latin1'));
const reasonOf = (text: string) => {
  try {
    return parse(text);
  } catch (error) {
    return error instanceof FormError ? error.reason : error;
  }
};

describe('parseForm', () => {
  it.each<[string, [string, string][]]>([
    ['', []],
    ['a=1', [['a', '1']]],
    [
      'a=1&b=2&a=3',
      [
        ['a', '1'],
        ['b', '2'],
        ['a', '3'],
      ],
    ],
    ['a', [['a', '']]],
    ['=x', [['', 'x']]],
    ['a=b=c', [['a', 'b=c']]],
    ['&&a=1&', [['a', '1']]],
    ['a=%2B+%20%26', [['a', '+  &']]],
    ['%61=%c3%a9', [['a', 'é']]],
    ['__proto__=1', [['__proto__', '1']]],
  ])('reads %p pair by pair', (text, pairs) => {
    expect(parse(text).pairs).toEqual(pairs);
  });

  it.each([
    ['a=%', 'ill_formed_encoding'],
    ['a=%4', 'ill_formed_encoding'],
    ['a=%g0', 'ill_formed_encoding'],
    ['a=%c3%28', 'ill_formed_encoding'],
    ['a=%ed%a0%80', 'ill_formed_encoding'],
    ['a=%c0%80', 'ill_formed_encoding'],
    ['a=\xff', 'ill_formed_encoding'],
    ['a=%00', 'control_character'],
    ['%0a=1', 'control_character'],
    ['a=\r', 'control_character'],
    ['a=%7f', 'control_character'],
    ['a=%c2%85', 'control_character'],
    [Array.from({ length: 1001 }, () => 'a').join('&'), 'too_many_parameters'],
    ['&'.repeat(1000), 'too_many_parameters'],
  ])('[T8] refuses %p', (text, reason) => {
    expect(reasonOf(text)).toBe(reason);
  });

  it('takes 1 000 parameters', () => {
    expect(parse(Array.from({ length: 1000 }, () => 'a=1').join('&')).pairs).toHaveLength(1000);
  });

  it('gives back every pair that URLSearchParams writes', () => {
    // Control characters are refused on purpose.
    const text = fc
      .string({ unit: 'grapheme', maxLength: 20 })
      .filter((value) => !/[\u0000-\u001f\u007f-\u009f]/.test(value));
    fc.assert(
      fc.property(fc.array(fc.tuple(text, text), { maxLength: 20 }), (pairs) => {
        expect(parseForm(Buffer.from(new URLSearchParams(pairs).toString())).pairs).toEqual(pairs);
      }),
    );
  });

  it('throws nothing but FormError, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          expect(parseForm(bytes)).toBeInstanceOf(Form);
        } catch (error) {
          expect(error).toBeInstanceOf(FormError);
        }
      }),
    );
  });
});

describe('Form', () => {
  it('shows repeats, so that who reads it can refuse them (RFC 6749 §3.2)', () => {
    const form = parse('a=1&a=2');
    expect([form.values('a'), form.values('b')]).toEqual([['1', '2'], []]);
  });
});
