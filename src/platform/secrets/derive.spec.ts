import { describe, it, expect } from '@jest/globals';
import { Secret } from '../../kernel/secret.js';
import { deriveKey, fingerprint } from './index.js';

describe('key derivation', () => {
  it('is HKDF-SHA-256 with an empty salt (RFC 5869, test case 3)', () => {
    expect(deriveKey(Buffer.alloc(22, 0x0b), '', 42).toString('hex')).toBe(
      '8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8',
    );
  });

  it('gives each purpose a key of its own', () => {
    const master = Buffer.alloc(32, 1);
    expect(deriveKey(master, 'a', 32)).not.toEqual(deriveKey(master, 'b', 32));
    expect(deriveKey(master, 'a', 32)).toEqual(deriveKey(master, 'a', 32));
  });

  it('takes a secret as its UTF-8 bytes', () => {
    expect(deriveKey(new Secret('ключ'), 'a', 16)).toEqual(deriveKey(Buffer.from('ключ'), 'a', 16));
    expect(fingerprint(new Secret('ключ'))).toBe(fingerprint(Buffer.from('ключ')));
  });
});

describe('fingerprints', () => {
  it('tell secrets apart and do not hold them', () => {
    const [a, b] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)];
    expect(fingerprint(a)).toBe(fingerprint(Buffer.from(a)));
    expect(fingerprint(a)).not.toBe(fingerprint(b));
    expect(fingerprint(a)).not.toContain(a.toString('base64url').slice(0, 8));
  });
});
