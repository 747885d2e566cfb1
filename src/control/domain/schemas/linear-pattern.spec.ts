import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { LinearPattern, TextTooLongError } from './linear-pattern.js';

const ATOMS = ['a', 'b', '.', '\\d', '\\w', '\\s', '\\S', '\\D', '\\W', '\\b', '^', '$', '[ab]', '[^a]', '[\\s1]'];
const MORE = ['[a-c.$]', '[^\\d\\n]', '\\n', '\\.', '\\u0041', '\\u{1F600}', '\\x41', '\\t', '\\/', '[\\b]', '[[a]'];
const REPEATS = ['', '', '', '*', '+', '?', '{2}', '{1,3}', '{1,}', '*?'];
const CHARACTERS = [...'abcA1_ .\n\r\t\b\v/\u00a0\u2028\ufeff\u3000é[$', '😀'];

const pattern = fc.letrec<{ whole: string; part: string }>((tie) => ({
  whole: fc
    .array(
      fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...ATOMS, ...MORE) }, { weight: 1, arbitrary: tie('part') }),
      {
        minLength: 1,
        maxLength: 4,
      },
    )
    .chain((atoms) =>
      fc.tuple(...atoms.map((atom) => fc.constantFrom(...REPEATS).map((repeat) => withRepeat(atom, repeat)))),
    )
    .map((parts) => parts.join('')),
  part: fc.tuple(tie('whole'), tie('whole')).map(([one, other]) => `(?:${one}|${other})`),
})).whole;

/** What asserts something about a place cannot be repeated (ECMA-262, annex B aside). */
function withRepeat(atom: string, repeat: string): string {
  return ['^', '$', '\\b'].includes(atom) ? atom : atom + repeat;
}

describe('LinearPattern', () => {
  it('means what ECMA-262 means', () => {
    fc.assert(
      fc.property(
        pattern,
        fc.array(fc.constantFrom(...CHARACTERS), { maxLength: 12 }).map((list) => list.join('')),
        (source, text) => {
          expect([source, text, new LinearPattern(source).test(text)]).toEqual([
            source,
            text,
            new RegExp(source, 'u').test(text),
          ]);
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it.each([
    '^(a+)+$',
    '^(a|a)*$',
    '^(a|aa)+$',
    '(x+x+)+y',
    '^(([a-z])+.)+[A-Z]([a-z])+$',
    'a*a*a*a*b',
    '(.*)*x',
    '^(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\\.)+[a-z]{2,}$',
    '^([a-zA-Z0-9])(([\\-.]|[_]+)?([a-zA-Z0-9]+))*(@){1}[a-z0-9]+[.]{1}(([a-z]{2,3})|([a-z]{2,3}[.]{1}[a-z]{2,3}))$',
    '(?:\\s*\\w+\\s*)+;',
  ])('[T8] %s, on which a backtracking engine would never end, ends', (source) => {
    expect(new LinearPattern(source).test(`${'a'.repeat(65_000)}!`)).toBe(false);
  });

  it.each([
    ['look-ahead', '(?=a)b'],
    ['look-behind', '(?<=a)b'],
    ['a back reference', '(a)\\1'],
    ['a repetition beyond what an automaton should hold', '(?:(?:a{100}){100}){100}'],
    ['a class that says both', '[\\Sa]'],
    ['nothing of the standard', '(?P<x>a)'],
    ['an open bracket', '['],
    ['too much', 'a'.repeat(1_025)],
  ])('[T8] %s is no pattern', (_name, source) => {
    expect(() => new LinearPattern(source)).toThrow(SyntaxError);
  });

  it('[T8] judges no text that is too long', () => {
    expect(() => new LinearPattern('a').test('a'.repeat(65_537))).toThrow(TextTooLongError);
  });
});
