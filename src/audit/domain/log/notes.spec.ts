import { createPrivateKey, createPublicKey, sign } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { verifyCheckpoint } from '../../../../node_modules/@sigstore/verify/dist/timestamp/checkpoint.js';
import { verifyMerkleInclusion } from '../../../../node_modules/@sigstore/verify/dist/timestamp/merkle.js';
import { checkpointKey, logVerifierKey } from '../log-key.js';
import { leafHash } from '../chain.js';
import { CompactTree } from './compact-tree.js';
import { checkpointText, openCheckpoint, parseCheckpointText, signCheckpoint } from './checkpoint.js';
import { contradiction, isBehind, nextOrigin, type LogState } from './log-state.js';
import { nodeHash } from './merkle.js';
import { decodeBase64, NoteError, openNote, parseNote, parseVerifierKey, signNote } from './signed-note.js';
import { formatTlogProof, parseTlogProof } from './tlog-proof.js';

const origin = 'log.example/log/acme';
const key = checkpointKey(Buffer.alloc(32, 7));
const other = checkpointKey(Buffer.alloc(32, 8));
const verifier = parseVerifierKey(logVerifierKey(origin, key));
const verifiers = [verifier];
const root = new CompactTree().root();
const note = signCheckpoint({ origin, size: 3, root }, key);

describe('signed notes (C2SP signed-note)', () => {
  // The example of golang.org/x/mod/sumdb/note, whose format C2SP took over.
  const PETER = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW';
  const SAID = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n";
  const NOTE = `${SAID}\n\u2014 PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n`;

  it('[T6] verifies a note of another implementation with its verifier key', () => {
    expect(openNote(NOTE, [parseVerifierKey(PETER)]).text).toBe(SAID);
    expect(() => openNote(NOTE.replace('answer', 'anewer'), [parseVerifierKey(PETER)])).toThrow(NoteError);
  });

  const NO_PROOF = { logIndex: '0', treeSize: '0', hashes: [], rootHash: root, checkpoint: { envelope: '' } };
  type Entry = Parameters<typeof verifyCheckpoint>[0];
  const entryOf = (inclusionProof: typeof NO_PROOF | object, body = ''): Entry =>
    ({ integratedTime: '1700000000', canonicalizedBody: Buffer.from(body), inclusionProof }) as Entry;

  it('[T6] writes notes that another implementation’s parser verifies (@sigstore/verify)', () => {
    const checkpoint =
      (envelope: string, rootHash = root) =>
      () =>
        verifyCheckpoint(entryOf({ ...NO_PROOF, rootHash, checkpoint: { envelope } }), [
          {
            logID: Buffer.concat([verifier.keyId, Buffer.alloc(28)]),
            publicKey: createPublicKey(key),
            validFor: { start: new Date(0), end: new Date(4e12) },
          },
        ]);
    expect(checkpoint(note)).not.toThrow();
    expect(checkpoint(note.replace('\n3\n', '\n4\n'))).toThrow('invalid checkpoint signature');
    expect(checkpoint(note, Buffer.alloc(32))).toThrow('root hash mismatch');
    expect(checkpoint(signCheckpoint({ origin, size: 3, root }, other))).toThrow('invalid checkpoint signature');
  });

  it('[T6] proves inclusion as another implementation checks it (@sigstore/verify)', () => {
    const [a, b, c] = ['a', 'b', 'c'].map(leafHash) as [Buffer, Buffer, Buffer];
    const proof = { logIndex: '2', treeSize: '3', hashes: [nodeHash(a, b)], rootHash: nodeHash(nodeHash(a, b), c) };
    expect(() => verifyMerkleInclusion(entryOf(proof, 'c'))).not.toThrow();
    expect(() => verifyMerkleInclusion(entryOf(proof, 'b'))).toThrow();
  });

  it('ignores signatures of others and refuses a note without the one asked for', () => {
    const twice = `${note}\u2014 witness.example AAAAAQIDBA==\n`;
    expect(openCheckpoint(twice, verifiers).size).toBe(3);
    expect(() => openNote(signCheckpoint({ origin, size: 3, root }, other), verifiers)).toThrow('is not signed by');
    expect(() => openNote(note, [parseVerifierKey(logVerifierKey('elsewhere', key))])).toThrow('is not signed by');
  });

  it('[T6] refuses a checkpoint of another log under the same key', () => {
    const text = checkpointText({ origin: 'other.example', size: 1, root });
    expect(() => openCheckpoint(signNote(text, { name: origin, key }), verifiers)).toThrow('is of the log');
  });

  it.each([
    ['without signatures', checkpointText({ origin, size: 3, root })],
    ['with a control character', note.replace('\n3\n', '\n3\t\n')],
    ['that does not end with a newline', note.slice(0, -1)],
    ['with a name that holds a plus', note.replace(`\u2014 ${origin}`, '\u2014 a+b')],
    ['with a signature of four bytes', note.replace(/\S+\n$/, 'AAAAAA==\n')],
    ['with base64 that is not canonical', note.replace(/\S+\n$/, 'AAAAAQIDBB==\n')],
    ['with a dash instead of the em dash', note.replace('\u2014', '-')],
    ['with too many signatures', note + note.slice(note.indexOf('\u2014')).repeat(100)],
  ])('refuses a note %s', (_, text) => {
    expect(() => parseNote(text)).toThrow(NoteError);
  });

  it.each([
    '',
    'a',
    'a+00000000+AQ==',
    `${origin}+00000000+${logVerifierKey(origin, key).split('+').slice(2).join('+')}`,
  ])('refuses the verifier key %p', (vkey) => {
    expect(() => parseVerifierKey(vkey)).toThrow(NoteError);
  });

  it.each([
    '',
    `${origin}\n`,
    `${origin}\n03\n${root.toString('base64')}\n`,
    `${origin}\n3\nAAAA\n`,
    `\n3\n${root.toString('base64')}\n`,
    `${origin}\n3\n${root.toString('base64')}\n\nx\n`,
    `${origin}\n9007199254740993\n${root.toString('base64')}\n`,
  ])('refuses the checkpoint text %p (C2SP tlog-checkpoint)', (text) => {
    expect(() => parseCheckpointText(text)).toThrow(NoteError);
  });

  it('signs as RFC 8032 does, over the text with its last newline', () => {
    const { text, signatures } = parseNote(note);
    const pkcs8 = createPrivateKey({ key: key.export({ format: 'der', type: 'pkcs8' }), format: 'der', type: 'pkcs8' });
    expect(signatures[0]?.signature).toEqual(sign(null, Buffer.from(text), pkcs8));
    expect(parseCheckpointText(text)).toEqual({ origin, size: 3, root });
    expect(decodeBase64('AB==')).toBeUndefined();
  });
});

describe('proofs as text (C2SP tlog-proof)', () => {
  const proof = { index: 12, hashes: [root, Buffer.alloc(32, 1)], checkpoint: note };

  it('reads what it writes, with or without extra lines of others', () => {
    const text = formatTlogProof(proof);
    expect(text.split('\n').slice(0, 3)).toEqual(['c2sp.org/tlog-proof@v1', 'index 12', root.toString('base64')]);
    expect(parseTlogProof(text)).toEqual(proof);
    expect(parseTlogProof(text.replace('\nindex', '\nextra eA==\nindex'))).toEqual(proof);
    expect(parseTlogProof(formatTlogProof({ ...proof, hashes: [] }))).toEqual({ ...proof, hashes: [] });
  });

  it.each([
    ['another header', formatTlogProof(proof).replace('@v1', '@v2')],
    ['no index', formatTlogProof(proof).replace('index 12\n', '')],
    ['a leading zero', formatTlogProof(proof).replace('index 12', 'index 012')],
    ['a hash that is too short', formatTlogProof(proof).replace(root.toString('base64'), 'AAAA')],
    ['no checkpoint', 'c2sp.org/tlog-proof@v1\nindex 1\n'],
  ])('refuses %s', (_, text) => {
    expect(() => parseTlogProof(text)).toThrow(NoteError);
  });
});

describe('what a log may sign', () => {
  const seen = { origin, size: 5, root };
  const state: LogState = { zone: 'acme', origin, vkey: 'key', entries: 7, size: 5, signed: seen, stopped: false };

  it('[T6] is nothing that contradicts what was seen: fewer entries, another tree, another name, no zone', () => {
    expect(contradiction(state, seen)).toBeUndefined();
    expect(contradiction({ ...state, size: 3, signed: { ...seen, size: 3 } }, seen)).toBeUndefined();
    expect(contradiction(undefined, seen)).toMatch(/zone is gone/);
    expect(contradiction({ ...state, entries: 4 }, seen)).toMatch(/holds 4 entries; 5 were signed/);
    expect(contradiction({ ...state, signed: { ...seen, root: Buffer.alloc(32) } }, seen)).toMatch(/another tree/);
    expect(contradiction({ ...state, origin: 'x' }, seen)).toMatch(/is called x/);
  });

  it('is due while entries are under no checkpoint of the log’s name', () => {
    expect(isBehind(state)).toBe(true);
    expect(isBehind({ ...state, entries: 5 })).toBe(false);
    expect(isBehind({ ...state, entries: 5, origin: `${origin}.r1` })).toBe(true);
    expect(isBehind({ ...state, stopped: true })).toBe(false);
    expect(isBehind({ ...state, origin: '' })).toBe(false);
    expect(isBehind({ ...state, entries: 0, size: 0 })).toBe(false);
  });

  it('goes on after a rollback under a name that no log had', () => {
    expect(nextOrigin([origin])).toBe(`${origin}.r1`);
    expect(nextOrigin([`${origin}.r1`, origin])).toBe(`${origin}.r2`);
    expect(nextOrigin([origin, `${origin}.r9`, `${origin}.r10`])).toBe(`${origin}.r11`);
  });
});
