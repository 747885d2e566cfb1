import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { checkpointKey, logVerifierKey } from '../log-key.js';
import { openCheckpoint, signCheckpoint, type SignedCheckpoint } from './checkpoint.js';
import {
  ageOf,
  followHandovers,
  openHandover,
  parseVerifierKeys,
  signedOutOfTurn,
  signHandover,
  withRetired,
  type RetiredKey,
} from './log-keys.js';
import { NoteError, parseVerifierKey, signNote } from './signed-note.js';

const origin = 'log.example/log/acme';
const root = Buffer.alloc(32, 9);
/** Keys in the order in which a log had them. */
const keyOf = (n: number) => checkpointKey(Buffer.alloc(32, n + 1));
const vkeys = [0, 1, 2, 3].map((n) => logVerifierKey(origin, keyOf(n)));
const [first = '', second = '', third = '', fourth = ''] = vkeys;
const elsewhere = logVerifierKey('other.example', keyOf(1));
const thief = logVerifierKey(origin, checkpointKey(Buffer.alloc(32, 66)));

const handover = (from: number, to: string): RetiredKey => ({
  vkey: vkeys[from] ?? '',
  handover: signHandover(to, { name: origin, key: keyOf(from) }),
});
const RETIRED = [handover(0, second), handover(1, third), handover(2, fourth)];
const names = (list: ReturnType<typeof parseVerifierKeys>) =>
  list.map((one) => vkeys.findIndex((vkey) => parseVerifierKey(vkey).key.equals(one.key)));

describe('the handover of a log’s key', () => {
  it('[T6] names the successor, and is signed by the key before it', () => {
    expect(openHandover(handover(0, second).handover, parseVerifierKeys([first]))).toBe(second);
    expect(() => openHandover(handover(0, second).handover, parseVerifierKeys([second]))).toThrow('is not signed by');
  });

  it.each([
    ['of another log', signHandover(elsewhere, { name: origin, key: keyOf(0) })],
    ['of no key', signHandover('nobody', { name: origin, key: keyOf(0) })],
    ['that is a checkpoint', signCheckpoint({ origin, size: 3, root }, keyOf(0))],
    ['with a line too many', signNote(`caracal-log-key/v1\n${second}\nmore\n`, { name: origin, key: keyOf(0) })],
  ])('[T6] refuses one %s', (_, note) => {
    expect(() => openHandover(note, parseVerifierKeys([first]))).toThrow(NoteError);
  });

  it('[T6] is never a checkpoint of the log', () => {
    expect(() => openCheckpoint(handover(0, second).handover, parseVerifierKeys([first]))).toThrow(
      'malformed checkpoint',
    );
  });

  it.each([
    ['the first key', [first], [3, 2, 1, 0]],
    ['one on the way', [second], [3, 2, 1]],
    ['the present key', [fourth], [3]],
    ['two of them', [third, first], [3, 2, 0]],
  ])('[T6] leads from %s to the present one', (_, trusted, expected) => {
    expect(names(followHandovers(parseVerifierKeys(trusted), RETIRED))).toEqual(expected);
  });

  it('[T6] of a key that was replaced adds nobody: whoever stole it names a successor in vain', () => {
    const known = parseVerifierKeys([second, first]);
    expect(followHandovers(known, [handover(0, thief)])).toEqual(known);
    expect(followHandovers(parseVerifierKeys([second]), [handover(0, thief)])).toEqual(parseVerifierKeys([second]));
  });

  it('[T6] that was changed is refused', () => {
    const [sound] = RETIRED as [RetiredKey];
    const changed = { ...sound, handover: sound.handover.replace(second, third) };
    expect(() => followHandovers(parseVerifierKeys([first]), [changed])).toThrow(NoteError);
  });
});

describe('the keys of one log', () => {
  it('[T6] are all of its name', () => {
    expect(() => parseVerifierKeys([first, elsewhere])).toThrow('of one log');
    expect(() => parseVerifierKeys([])).toThrow(NoteError);
    expect(() => withRetired(parseVerifierKeys([first]), [{ vkey: elsewhere, handover: '' }])).toThrow(
      'not one of this log',
    );
  });

  it('[T6] stand newest first, those that were put away behind them', () => {
    expect(names(withRetired(parseVerifierKeys([fourth]), RETIRED))).toEqual([3, 2, 1, 0]);
    expect(names(withRetired(parseVerifierKeys([fourth, second]), RETIRED))).toEqual([3, 1, 2, 0]);
  });
});

describe('checkpoints under a log’s keys', () => {
  const verifiers = parseVerifierKeys([...vkeys].reverse());
  const signedBy = (n: number, size: number): SignedCheckpoint =>
    openCheckpoint(signCheckpoint({ origin, size, root }, keyOf(n)), verifiers);

  it('[T6] in whose order no key comes back are in turn, however they are given', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 8 }), fc.integer(), (signers, shuffle) => {
        const ordered = signers.toSorted().map((n, at) => signedBy(n, at + 1));
        const turned = ordered.map((_, at) => ordered[(at + Math.abs(shuffle)) % ordered.length] as SignedCheckpoint);
        expect(signedOutOfTurn(turned, verifiers)).toBeUndefined();
      }),
      { numRuns: 30 },
    );
  });

  it('[T6] of a key that another had replaced are found', () => {
    const late = signedBy(0, 30);
    expect(signedOutOfTurn([late, signedBy(0, 10), signedBy(1, 20)], verifiers)).toBe(late);
    expect(signedOutOfTurn([signedBy(0, 20), signedBy(1, 20)], verifiers)).toBeUndefined();
    expect(ageOf(late.signer, verifiers)).toBe(3);
    expect(ageOf(parseVerifierKey(thief), verifiers)).toBe(-1);
  });
});
