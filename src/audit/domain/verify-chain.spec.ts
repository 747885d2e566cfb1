import { createSecretKey } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { chainMac, GENESIS_MAC, leafHash } from './chain.js';
import { ChainVerifier, type Fault, type StoredLink } from './verify-chain.js';

const key = createSecretKey(Buffer.alloc(32, 3));
const ringOf = (kid: string) => (kid === 'lh-1' ? key : undefined);

function chain(length: number, zone = 'acme'): StoredLink[] {
  let previous = GENESIS_MAC;
  return Array.from({ length }, (_, index) => {
    const eventId = `01900000-0000-7000-8000-${String(index).padStart(12, '0')}`;
    const entry = JSON.stringify({ event_id: eventId, n: index, zone });
    const link = { zone, index, kid: 'lh-1', eventId, ingestedAt: 1_000 + index, leaf: leafHash(entry) };
    previous = chainMac(key, link, previous);
    return { ...link, entry, chainMac: previous };
  });
}

function verify(rows: readonly StoredLink[], head: { nextIndex: number; chainMac: Buffer }): Fault | undefined {
  const verifier = new ChainVerifier('acme', ringOf);
  for (const row of rows) {
    const fault = verifier.check(row);
    if (fault) return fault;
  }
  return verifier.checkHead(head);
}

const rows = chain(6);
const head = { nextIndex: 6, chainMac: rows[5]?.chainMac ?? GENESIS_MAC };
const at = (index: number): StoredLink => rows[index] as StoredLink;

describe('chain verification', () => {
  it('accepts an untouched ledger, the empty one included', () => {
    expect(verify(rows, head)).toBeUndefined();
    expect(verify([], { nextIndex: 0, chainMac: GENESIS_MAC })).toBeUndefined();
  });

  const edited = { ...at(2), entry: at(2).entry.replace('"n":2', '"n":9') };
  it.each<[string, readonly StoredLink[], number]>([
    ['an edited entry', [...rows.slice(0, 2), edited, ...rows.slice(3)], 2],
    [
      'an edited entry with its leaf made to fit',
      [...rows.slice(0, 2), { ...edited, leaf: leafHash(edited.entry) }, ...rows.slice(3)],
      2,
    ],
    ['a deleted first entry', rows.slice(1), 0],
    ['a deleted middle entry', [...rows.slice(0, 3), ...rows.slice(4)], 3],
    [
      'a deleted middle entry, the rest renumbered',
      [...rows.slice(0, 3), ...rows.slice(4).map((row) => ({ ...row, index: row.index - 1 }))],
      3,
    ],
    ['a cut tail', rows.slice(0, 5), 5],
    ['an emptied zone', [], 0],
    ['a duplicate', [...rows.slice(0, 3), at(2), ...rows.slice(3)], 2],
    ['two swapped entries', [at(0), { ...at(2), index: 1 }, { ...at(1), index: 2 }, ...rows.slice(3)], 1],
    ['a back-dated entry', [...rows.slice(0, 4), { ...at(4), ingestedAt: 1 }, at(5)], 4],
    ['a post-dated entry', [...rows.slice(0, 4), { ...at(4), ingestedAt: 9_999 }, at(5)], 4],
    ['a swapped key id', [...rows.slice(0, 4), { ...at(4), kid: 'lh-2' }, at(5)], 4],
    [
      'an event id changed in the row',
      [...rows.slice(0, 4), { ...at(4), eventId: '01900000-0000-7000-8000-00000000ffff' }, at(5)],
      4,
    ],
  ])('[T6] names the index of %s', (_name, tampered, index) => {
    expect(verify(tampered, head)?.index).toBe(index);
  });

  it('[T6] names a head that was moved', () => {
    expect(verify(rows, { nextIndex: 5, chainMac: at(4).chainMac })?.index).toBeUndefined();
    expect(verify(rows, { nextIndex: 6, chainMac: at(4).chainMac })?.reason).toMatch(/head/);
  });

  it('[T6] refuses the entries of another zone', () => {
    const other = chain(1, 'other');
    expect(verify(other, { nextIndex: 1, chainMac: other[0]?.chainMac ?? GENESIS_MAC })?.index).toBe(0);
  });
});
