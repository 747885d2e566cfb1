import { randomBytes } from 'node:crypto';
import { describe, it, expect } from '@jest/globals';
import fc from 'fast-check';
import { Envelope, SealError, type SealContext } from './index.js';

const aad: SealContext = {
  purpose: 'provider-secret',
  zone: 'acme',
  table: 'providers',
  row: 'prv_1',
  column: 'secret',
  version: 3,
};
const kek = randomBytes(32);
const envelope = new Envelope([kek]);
const sealed = envelope.seal(Buffer.from('upstream key'), aad);

describe('envelope encryption', () => {
  it('opens what it sealed', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.string(), fc.nat(), (bytes, row, version) => {
        const context = { ...aad, row, version };
        expect(envelope.open(envelope.seal(Buffer.from(bytes), context), context)).toEqual(Buffer.from(bytes));
      }),
    );
  });

  it('never seals the same value to the same bytes, and shows none of it', () => {
    const plaintext = Buffer.from('a plaintext that would be seen');
    const [one, two] = [envelope.seal(plaintext, aad), envelope.seal(plaintext, aad)];
    expect(one.equals(two)).toBe(false);
    expect(one.includes(plaintext.subarray(0, 8))).toBe(false);
  });

  it.each<[keyof SealContext, Partial<SealContext>]>([
    ['purpose', { purpose: 'signing-key' }],
    ['zone', { zone: 'other' }],
    ['table', { table: 'connections' }],
    ['row', { row: 'prv_2' }],
    ['column', { column: 'config' }],
    ['version', { version: 4 }],
  ])('[T5] does not open under another %s', (_member, other) => {
    expect(() => envelope.open(sealed, { ...aad, ...other })).toThrow(SealError);
  });

  it('[T5] keeps the members of the context apart', () => {
    const shifted = { ...aad, table: 'provider', row: 'sprv_1' };
    expect(() => envelope.open(sealed, shifted)).toThrow(SealError);
  });

  it('[T5] does not open when any one byte is altered', () => {
    for (let at = 0; at < sealed.length; at += 1) {
      const altered = Buffer.from(sealed);
      altered[at] = (altered[at] ?? 0) ^ 1;
      expect(() => envelope.open(altered, aad)).toThrow(SealError);
    }
  });

  it('[T5] does not open when cut at any length, or lengthened', () => {
    for (let length = 0; length < sealed.length; length += 1) {
      expect(() => envelope.open(sealed.subarray(0, length), aad)).toThrow(SealError);
    }
    expect(() => envelope.open(Buffer.concat([sealed, Buffer.of(0)]), aad)).toThrow(SealError);
  });

  it('[T5] does not open with the data key of another value', () => {
    const other = envelope.seal(Buffer.from('other'), aad);
    const header = 9 + 12 + 32 + 16;
    const mixed = Buffer.concat([other.subarray(0, header), sealed.subarray(header)]);
    expect(() => envelope.open(mixed, aad)).toThrow(SealError);
  });

  it('opens what an earlier key sealed and seals with the first', () => {
    const next = randomBytes(32);
    const rotated = new Envelope([next, kek]);
    expect(rotated.open(sealed, aad).toString()).toBe('upstream key');
    const fresh = rotated.seal(Buffer.from('new'), aad);
    expect(new Envelope([next]).open(fresh, aad).toString()).toBe('new');
    expect(() => envelope.open(fresh, aad)).toThrow(SealError);
  });
});
