import { describe, expect, it } from '@jest/globals';
import { checkpointKey, logVerifierKey } from '../domain/log-key.js';
import { signCheckpoint } from '../domain/log/checkpoint.js';
import { signManifest, type Manifest } from '../domain/log/export-manifest.js';
import { parseVerifierKeys, signHandover } from '../domain/log/log-keys.js';
import { readManifest } from './manifest.js';

const origin = 'log.example/log/acme';
const [before, now, thief] = [1, 2, 66].map((n) => {
  const key = checkpointKey(Buffer.alloc(32, n));
  return { key, vkey: logVerifierKey(origin, key) };
}) as [Signer, Signer, Signer];
type Signer = { readonly key: ReturnType<typeof checkpointKey>; readonly vkey: string };

const note = (size: number, { key }: Signer) => signCheckpoint({ origin, size, root: Buffer.alloc(32, size) }, key);
const retired = (from: Signer, to: Signer) => ({
  vkey: from.vkey,
  handover: signHandover(to.vkey, { name: origin, key: from.key }),
});
const manifest = (more: Partial<Manifest> = {}): Manifest => ({
  v: 1,
  zone: 'acme',
  origin,
  from: 0,
  to: 30,
  root: '',
  checkpoint: note(40, now),
  checkpoints: [note(10, before), note(20, now)],
  proof: { consistency: [], left: [] },
  entries_sha256: '',
  retired_keys: [retired(before, now)],
  ...more,
});
const read = (value: Manifest, signer: Signer, ...trusted: readonly Signer[]) =>
  readManifest(JSON.stringify(signManifest(value, signer.key)), parseVerifierKeys(trusted.map(({ vkey }) => vkey)));

describe('the manifest of an export over a rotation of the log’s key', () => {
  it.each([
    ['the present key', [now]],
    ['the key before, which named the present one', [before]],
    ['both', [now, before]],
  ])('[T6] is sound for whoever trusts %s', (_, trusted) => {
    const { signed, heads } = read(manifest(), now, ...trusted);
    expect([signed.size, heads.map(({ size }) => size)]).toEqual([40, [10, 20]]);
  });

  it('[T6] from before the rotation is sound under the key of its time', () => {
    const { retired_keys: _, ...old } = manifest({ checkpoint: note(40, before), checkpoints: [note(10, before)] });
    expect(read(old, before, before).signed.size).toBe(40);
    expect(read(old, before, now, before).signed.size).toBe(40);
    expect(() => read(old, before, now)).toThrow('is not signed by');
  });

  it.each<[string, Manifest, Signer, readonly Signer[], RegExp]>([
    ['is signed with the key that was put away', manifest(), before, [now], /is not signed by/],
    ['is, and both are trusted', manifest(), before, [now, before], /signed with a key that was replaced/],
    [
      'has a checkpoint of the key that was put away above one of the present key',
      manifest({ checkpoints: [note(10, before), note(20, now), note(25, before)] }),
      now,
      [now],
      /^head: the checkpoint of 25 entries is signed with a key that was replaced before/,
    ],
    [
      'is covered by a checkpoint of the key that was put away, and the present key has signed less',
      manifest({ checkpoint: note(40, before) }),
      now,
      [now],
      /^head: the checkpoint of 40 entries is signed with a key/,
    ],
    ['says who is retired and is signed by nobody known', manifest(), thief, [now], /is not signed by/],
    [
      'names a thief as the successor of the present key, without its signature',
      manifest({ retired_keys: [{ ...retired(thief, thief), vkey: now.vkey }] }),
      thief,
      [now],
      /is not signed by/,
    ],
    [
      'names a thief as the successor of the key that was put away, to one who knows its real successor',
      manifest({ retired_keys: [retired(before, thief)], checkpoint: note(40, thief), checkpoints: [] }),
      thief,
      [now, before],
      /is not signed by/,
    ],
  ])('[T6] is refused when it %s', (_, value, signer, trusted, reason) => {
    expect(() => read(value, signer, ...trusted)).toThrow(reason);
  });

  it.each([[{}], ['x'], [[null]], [[{ vkey: now.vkey }]], [[{ vkey: 1, handover: '' }]]])(
    '[T6] is refused when its retired keys are %j',
    (keys) => {
      expect(() => read(manifest({ retired_keys: keys as never }), now, now)).toThrow(
        'is not the manifest of an export',
      );
    },
  );
});
