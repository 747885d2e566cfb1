import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { type Address, parseAddress, parseRange } from './address.js';
import { type AddressRules, judgeAddress, specialRangeOf } from './judge-address.js';
import { METADATA_ADDRESSES, SPECIAL_V4, SPECIAL_V6 } from './special-ranges.js';

const CLOSED: AddressRules = { allowLoopback: false, isGranted: () => false, isOwn: () => false };
const EVERYTHING_GRANTED: AddressRules = { ...CLOSED, isGranted: () => true };
const DEVELOPMENT: AddressRules = { ...CLOSED, allowLoopback: true };

function text(address: Address): string {
  const bytes = address.family === 4 ? 4 : 16;
  const octets = Array.from({ length: bytes }, (_, i) =>
    Number((address.value >> BigInt(8 * (bytes - 1 - i))) & 0xffn),
  );
  if (address.family === 4) return octets.join('.');
  return Array.from({ length: 8 }, (_, i) =>
    (((octets[2 * i] ?? 0) << 8) | (octets[2 * i + 1] ?? 0)).toString(16),
  ).join(':');
}

describe('[T3] judgeAddress', () => {
  const special = [...SPECIAL_V4, ...SPECIAL_V6].map(([cidr]) => cidr);
  it.each(special)('refuses the first, the last and any address of %s', (cidr) => {
    const range = parseRange(cidr);
    if (!range) throw new Error(cidr);
    const size = 1n << BigInt((range.family === 4 ? 32 : 128) - range.prefix);
    const inside = (offset: bigint): Address => ({ family: range.family, value: range.base + offset });
    for (const offset of [0n, size - 1n])
      expect(judgeAddress(text(inside(offset)), 443, CLOSED)).toMatchObject({ allowed: false });
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: size - 1n }), (offset) => {
        expect(judgeAddress(text(inside(offset)), 443, CLOSED).allowed).toBe(false);
      }),
      { numRuns: 50 },
    );
  });

  it('refuses every IPv6 address outside global unicast (RFC 4291 §2.4)', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: (1n << 128n) - 1n }), (value) => {
        fc.pre(value >> 125n !== 1n);
        expect(judgeAddress(text({ family: 6, value }), 443, CLOSED).allowed).toBe(false);
      }),
    );
  });

  it.each([
    '1.1.1.1',
    '8.8.8.8',
    '11.0.0.1',
    '172.32.0.1',
    '100.128.0.1',
    '192.0.1.1',
    '223.255.255.255',
    '2606:4700::1111',
    '2001:4860:4860::8888',
    '2a00::1',
  ])('allows the global address %s', (address) => {
    expect(judgeAddress(address, 443, CLOSED)).toEqual({ allowed: true, loopback: false });
  });

  const prefixed: [string, (v4: string) => string][] = [
    ['v4-mapped', (v4) => `::ffff:${v4}`],
    ['v4-compatible', (v4) => `::${v4}`],
    ['SIIT', (v4) => `::ffff:0:${v4}`],
    ['NAT64', (v4) => `64:ff9b::${v4}`],
    ['local NAT64', (v4) => `64:ff9b:1::${v4}`],
    ['6to4', (v4) => `2002:${hex(v4)}::1`],
    ['Teredo server', (v4) => `2001:0:${hex(v4)}::1`],
    ['Teredo client', (v4) => `2001:0:101:101:0:0:${hex(v4, 0xffff)}`],
    ['ISATAP', (v4) => `2a00:1:2:3:0:5efe:${v4}`],
  ];
  it.each(prefixed)('judges the address inside %s even when the outer one is granted', (_name, wrap) => {
    const onlyOuter: AddressRules = { ...CLOSED, isGranted: (address) => address.family === 6 };
    for (const v4 of ['127.0.0.1', '10.1.2.3', '169.254.169.254', '192.168.0.1']) {
      expect(judgeAddress(wrap(v4), 443, onlyOuter)).toMatchObject({ allowed: false });
      expect(judgeAddress(wrap(v4), 443, DEVELOPMENT)).toMatchObject({ allowed: false });
    }
  });

  it('takes the address out of a 48-bit NAT64 prefix as RFC 6052 §2.2 writes it', () => {
    expect(judgeAddress('64:ff9b:1:a9fe:a9:fe00:0:0', 80, EVERYTHING_GRANTED)).toEqual({
      allowed: false,
      reason: 'metadata',
    });
  });

  it.each([...METADATA_ADDRESSES, '::ffff:169.254.169.254', '64:ff9b::169.254.169.254', '2002:a9fe:a9fe::'])(
    'never allows the metadata address %s, whatever is granted',
    (address) => {
      expect(judgeAddress(address, 80, EVERYTHING_GRANTED)).toEqual({ allowed: false, reason: 'metadata' });
    },
  );

  it('never allows an own endpoint, whatever is granted', () => {
    const rules: AddressRules = {
      ...EVERYTHING_GRANTED,
      allowLoopback: true,
      isOwn: (_address, port) => port === 5432,
    };
    expect(judgeAddress('127.0.0.1', 5432, rules)).toEqual({ allowed: false, reason: 'own_endpoint' });
    expect(judgeAddress('127.0.0.1', 5433, rules)).toEqual({ allowed: true, loopback: true });
    expect(judgeAddress('8.8.8.8', 5432, rules)).toEqual({ allowed: false, reason: 'own_endpoint' });
  });

  it('opens loopback in development only, and only as 127.0.0.0/8 and ::1', () => {
    for (const address of ['127.0.0.1', '127.255.255.254', '::1']) {
      expect(judgeAddress(address, 9, DEVELOPMENT)).toEqual({ allowed: true, loopback: true });
      expect(judgeAddress(address, 9, CLOSED)).toMatchObject({ allowed: false });
    }
    for (const address of ['0.0.0.0', '::', '10.0.0.1', '128.0.0.1', '::2']) {
      const verdict = judgeAddress(address, 9, DEVELOPMENT);
      expect(verdict.allowed ? verdict.loopback : true).toBe(address !== '128.0.0.1');
    }
  });

  it.each([
    '',
    'localhost',
    '127.1',
    '0x7f000001',
    '2130706433',
    '0177.0.0.1',
    '127.0.0.1 ',
    'fe80::1%eth0',
    '1.2.3.4/8',
    '[::1]',
  ])('refuses %p, which is no canonical address', (address) => {
    expect(judgeAddress(address, 443, EVERYTHING_GRANTED)).toEqual({ allowed: false, reason: 'not_an_address' });
  });

  it('an allowed address is never in a special range unless it was granted', () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (candidate) => {
        const address = parseAddress(candidate);
        const verdict = judgeAddress(candidate, 443, CLOSED);
        if (verdict.allowed) expect(address && specialRangeOf(address)).toBeUndefined();
      }),
      { numRuns: 2_000 },
    );
  });
});

function hex(v4: string, mask = 0): string {
  const [a = 0, b = 0, c = 0, d = 0] = v4.split('.').map(Number);
  return [((a << 8) | b) ^ mask, ((c << 8) | d) ^ mask].map((group) => group.toString(16)).join(':');
}
