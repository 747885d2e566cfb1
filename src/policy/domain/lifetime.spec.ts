import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { narrowLifetime, type TokenClassName } from './lifetime.js';

const NOW = 1_700_000_000;

describe('narrowLifetime', () => {
  const defaults: [TokenClassName, number, number][] = [
    ['application', 900, 3600],
    ['session', 900, 900],
    ['mandate', 300, 900],
    ['upstream', 60, 60],
    ['control', 300, 300],
  ];
  it.each(defaults)('%s lives %i s, at most %i s', (of, normal, most) => {
    expect(narrowLifetime(of, { issuedAt: NOW, ancestors: [] })).toEqual({ ok: true, expiresAt: NOW + normal });
    expect(narrowLifetime(of, { issuedAt: NOW, asked: most, ancestors: [] })).toEqual({
      ok: true,
      expiresAt: NOW + most,
    });
    expect(narrowLifetime(of, { issuedAt: NOW, asked: most + 1, ancestors: [] })).toEqual({
      ok: false,
      fault: 'beyond_class',
    });
  });

  it.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])('refuses to live %p s', (asked) => {
    expect(narrowLifetime('mandate', { issuedAt: NOW, asked, ancestors: [] })).toEqual({
      ok: false,
      fault: 'beyond_class',
    });
  });

  it('is shortened to the ancestor that ends first, in whole seconds', () => {
    expect(
      narrowLifetime('mandate', { issuedAt: NOW, asked: 600, ancestors: [(NOW + 100) * 1000 + 999, Infinity] }),
    ).toEqual({ ok: true, expiresAt: NOW + 100 });
  });

  it('[T2] is refused when an ancestor has ended', () => {
    expect(narrowLifetime('mandate', { issuedAt: NOW, ancestors: [NOW * 1000 + 500] })).toEqual({
      ok: false,
      fault: 'ancestor_ended',
    });
  });

  it('[T2] never outlives an ancestor or the class', () => {
    const classes = fc.constantFrom<TokenClassName>('application', 'session', 'mandate', 'upstream', 'control');
    const ends = fc.array(fc.integer({ min: NOW * 1000 - 5_000, max: NOW * 1000 + 4_000_000 }), { maxLength: 5 });
    fc.assert(
      fc.property(
        classes,
        fc.option(fc.integer({ min: 1, max: 4000 }), { nil: undefined }),
        ends,
        (of, asked, ancestors) => {
          const lifetime = narrowLifetime(of, { issuedAt: NOW, asked, ancestors });
          if (!lifetime.ok) return;
          expect(lifetime.expiresAt).toBeGreaterThan(NOW);
          expect(lifetime.expiresAt - NOW).toBeLessThanOrEqual(asked ?? 900);
          for (const end of ancestors) expect(lifetime.expiresAt * 1000).toBeLessThanOrEqual(end);
          expect(narrowLifetime(of, { issuedAt: NOW, asked, ancestors: [...ancestors].reverse() })).toEqual(lifetime);
        },
      ),
    );
  });
});
