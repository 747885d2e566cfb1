import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { AppError } from '../../kernel/app-error.js';
import { parseAddress, parseRange } from './address.js';
import { type PortRange, checkGrants, isCovered, parsePortRange, usableGrants } from './grants.js';

const GRANTABLE = ['10.0.0.0/8:8443', '192.168.0.0/16:*', 'fd00::/8:443'].flatMap((text) => parsePortRange(text) ?? []);

describe('parsePortRange', () => {
  it.each([
    ['10.0.0.0/8:443', 443],
    [' 10.0.0.0/8 : 443 ', 443],
    ['fd00::/8:8443', 8443],
    ['0.0.0.0/0:*', undefined],
  ])('reads %p', (text, port) => {
    expect(parsePortRange(text)).toMatchObject({ port });
  });

  it.each([
    '',
    '10.0.0.0/8',
    '10.0.0.1/8:443',
    '10.0.0.0/33:443',
    '10.0.0.0/8:0',
    '10.0.0.0/8:65536',
    '10.0.0.0/8:0443',
    '10.0.0.0:443',
    'host/8:443',
    '10.0.0.0/08:443',
  ])('refuses %p', (text) => {
    expect(parsePortRange(text)).toBeUndefined();
  });
});

describe('[T3] grants', () => {
  it('count only inside the list of the operator', () => {
    const usable = usableGrants(
      {
        allow: [
          { cidr: '10.1.0.0/16', port: 8443 },
          { cidr: '10.1.0.0/16', port: 443 },
          { cidr: '0.0.0.0/0', port: 8443 },
          { cidr: '192.168.7.0/24', port: 9 },
          { cidr: 'nonsense', port: 8443 },
        ],
      },
      GRANTABLE,
    );
    expect(usable.map(({ range, port }) => [range.prefix, port])).toEqual([
      [16, 8443],
      [24, 9],
    ]);
    expect(usableGrants({ allow: [{ cidr: '10.0.0.0/8', port: 8443 }] }, [])).toEqual([]);
  });

  const cases: [string, number, string | undefined][] = [
    ['10.1.0.0/16', 8443, undefined],
    ['10.0.0.0/8', 8443, undefined],
    ['10.0.0.0/7', 8443, 'egress_denied'],
    ['10.1.0.0/16', 443, 'egress_denied'],
    ['172.16.0.0/12', 443, 'egress_denied'],
    ['10.1.2.3/16', 8443, 'invalid_request'],
    ['10.0.0.0', 8443, 'invalid_request'],
    ['10.0.0.0/8', 0, 'invalid_request'],
    ['10.0.0.0/8', 1.5, 'invalid_request'],
    ['fd00:ec2::254/128', 443, 'egress_denied'],
  ];
  it.each(cases)('a grant of %s port %d is answered with %s', (cidr, port, code) => {
    const act = (): void => checkGrants({ allow: [{ cidr, port }] }, GRANTABLE);
    if (code === undefined) {
      expect(act).not.toThrow();
    } else {
      expect(act).toThrow(AppError);
      expect(act).toThrow(expect.objectContaining({ code }));
    }
  });

  it('a range covers exactly the addresses between its ends', () => {
    fc.assert(
      fc.property(fc.ipV4(), fc.integer({ min: 0, max: 32 }), fc.ipV4(), (base, prefix, probe) => {
        const shift = BigInt(32 - prefix);
        const first = ((parseAddress(base)?.value ?? 0n) >> shift) << shift;
        const address = parseAddress(probe);
        const grant: PortRange = { range: { family: 4, base: first, prefix }, port: 1 };
        const inside = address !== undefined && address.value >= first && address.value < first + (1n << shift);
        expect(address && isCovered([grant], address, 1)).toBe(inside);
        expect(address && isCovered([grant], address, 2)).toBe(false);
      }),
    );
  });

  it('a block of one family says nothing about the other', () => {
    const all = parseRange('0.0.0.0/0');
    const v6 = parseAddress('::1');
    expect(all && v6 && isCovered([{ range: all, port: undefined }], v6, 1)).toBe(false);
  });
});
