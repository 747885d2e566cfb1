import { describe, it, expect } from '@jest/globals';
import fc from 'fast-check';
import { checkSecretFormat, formatSecret, SECRET_PREFIXES } from './client-secret.js';

const bytes = fc.uint8Array({ minLength: 32, maxLength: 32 });
const prefix = fc.constantFrom(...Object.values(SECRET_PREFIXES));

describe('format of secrets', () => {
  it('has one known spelling', () => {
    expect(formatSecret('cat_', new Uint8Array(32))).toBe(`cat_${'0'.repeat(43)}47sp0i`);
    expect(formatSecret('ccs_', new Uint8Array(32).fill(255))).toMatch(/^ccs_[0-9A-Za-z]{49}$/);
  });

  it('accepts what it wrote, under its own prefix only', () => {
    fc.assert(
      fc.property(bytes, prefix, prefix, (random, written, asked) => {
        expect(checkSecretFormat(asked, formatSecret(written, random))).toBe(written === asked);
      }),
    );
  });

  it('writes different bytes differently', () => {
    fc.assert(
      fc.property(bytes, bytes, (a, b) => {
        fc.pre(Buffer.compare(a, b) !== 0);
        expect(formatSecret('cat_', a)).not.toBe(formatSecret('cat_', b));
      }),
    );
  });

  it('sees one changed character', () => {
    fc.assert(
      fc.property(bytes, fc.nat(48), fc.constantFrom(...'059AZaz-_ '), (random, at, other) => {
        const text = formatSecret('cat_', random);
        const changed = text.slice(0, 4 + at) + other + text.slice(5 + at);
        fc.pre(changed !== text);
        expect(checkSecretFormat('cat_', changed)).toBe(false);
      }),
    );
  });

  it.each([[undefined], [7], [''], ['cat_'], [`cat_${'0'.repeat(48)}`], [`cat_${'0'.repeat(50)}`], [['cat_']]])(
    'refuses %p',
    (text) => {
      expect(checkSecretFormat('cat_', text)).toBe(false);
    },
  );

  it('refuses to write anything but 256 bits', () => {
    expect(() => formatSecret('cat_', new Uint8Array(31))).toThrow(RangeError);
  });
});
