import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isSlug, slugify } from './slug.js';

describe('slugs', () => {
  it.each(['a', 'a1', 'billing-api', '0', 'a'.repeat(63)])('accepts %s', (text) => {
    expect(isSlug(text)).toBe(true);
  });

  it.each(['', '-a', 'a-', 'A', 'a_b', 'a.b', 'ä', 'a/b', 'a b', 'a'.repeat(64), '_system', 3, null])(
    'refuses %s',
    (text) => {
      expect(isSlug(text)).toBe(false);
    },
  );

  it('makes a slug of any name, with room for a suffix', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (name) => {
        const slug = slugify(name, 'fallback');
        expect(isSlug(slug)).toBe(true);
        expect(isSlug(`${slug}-0a1b2c`)).toBe(true);
      }),
    );
  });

  it.each([
    ['Billing API', 'billing-api'],
    ['  Ärger & Söhne ', 'a-rger-so-hne'],
    ['日本', 'fallback'],
  ])('makes of %p %p', (name, slug) => {
    expect(slugify(name, 'fallback')).toBe(slug);
  });
});
