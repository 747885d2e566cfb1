import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { SignedManifest } from '../../src/audit/domain/log/export-manifest.js';
import { startTestApp, unique, type TestApp } from '../support/app.js';
import { makeApplication, makeZoneOverHttp } from '../support/fixtures.js';
import { eventually, opened } from '../support/log.js';
import { runVerify } from '../support/verify-program.js';

/** The key that signs the log's checkpoints is a ring, and an auditor who trusts any key of it can follow. */
describe('rotation of the checkpoint key', () => {
  let old: TestApp;
  let now: TestApp;
  let ring: Buffer[];
  let said: string;
  const zone = unique('zone');
  const other = unique('zone');
  /** From before the rotation. */
  const before = { vkey: '', checkpoint: '', folder: '', etag: '' };

  const zoneOf = async (slug = zone) => (await now.admin('GET', `/v1/zones/${slug}`)).body;
  const file = (name: string) => path.join(old.dataDir, name);
  const keep = async (name: string, text: string): Promise<string> => {
    await writeFile(file(name), text);
    return file(name);
  };
  const setRing = (...keys: readonly Buffer[]) =>
    writeFile(file('secrets/checkpoint_key'), keys.map((key) => `${key.toString('base64')}\n`).join(''));
  const checkpoint = async (app: TestApp): Promise<string> => {
    const answer = await app.admin('GET', `/v1/zones/${zone}/audit/checkpoint`);
    expect(answer.status).toBe(200);
    return answer.body;
  };
  /** The directory of an export of everything. */
  const exported = async (app: TestApp): Promise<string> => {
    const { body } = await app.admin('POST', `/v1/zones/${zone}/audit/exports`, { format: 'jsonl' });
    const ready = await eventually(
      () => app.admin('GET', `/v1/zones/${zone}/audit/exports/${body.id}`),
      (answer) => answer.body.status !== 'running',
    );
    expect(ready.body.status).toBe('ready');
    return file(`exports/${zone}/${body.id}`);
  };
  const rotations = async (slug: string) => {
    const { body } = await now.admin('GET', `/v1/zones/${slug}/audit/events?type=ledger.checkpoint_key_rotated`);
    return body.items as { index: number; entry: { actor: object; detail: Record<string, string> } }[];
  };

  beforeAll(async () => {
    old = await startTestApp();
    for (const slug of [zone, other]) await makeZoneOverHttp(old, slug);
    await makeApplication(old, zone, 'before');
    before.folder = await exported(old);
    before.checkpoint = await checkpoint(old);
    const answer = await old.admin('GET', `/v1/zones/${zone}`);
    before.vkey = answer.body.log_vkey;
    before.etag = answer.headers.get('etag') ?? '';
    expect(answer.body.log_retired_keys).toEqual([]);
    ring = [randomBytes(32), ...old.secrets.checkpointKey];
    await setRing(...ring);
    // Two that start at the same moment, beside one that still knows the old key alone.
    const [one, twin] = await Promise.all([old.replica(), old.replica()]);
    now = one;
    said = one.logs() + twin.logs();
  });
  afterAll(() => old.close());

  it('[T6] gives every log the new key once, with an entry, and names the old one beside it', async () => {
    for (const slug of [zone, other, '_system']) {
      const { log_vkey: vkey, log_retired_keys: retired } = await zoneOf(slug);
      const entries = await rotations(slug);
      expect(entries).toHaveLength(1);
      expect(entries[0]?.entry).toMatchObject({
        actor: { kind: 'system' },
        detail: { previous: retired[0].vkey, current: vkey, handover: retired[0].handover },
      });
      expect(retired).toEqual([{ ...retired[0], retired_at: expect.stringMatching(/^\d{4}-.*Z$/) }]);
    }
    const { log_vkey: vkey, log_retired_keys: retired } = await zoneOf();
    expect(vkey).not.toBe(before.vkey);
    expect(retired[0].vkey).toBe(before.vkey);
    expect((await now.admin('GET', `/v1/zones/${zone}`)).headers.get('etag')).not.toBe(before.etag);
  });

  it('says in its log which secret was rotated, once, and shows none', () => {
    const lines = said.split('\n').filter((line) => line.includes('a secret was rotated'));
    expect(lines.map((line) => (JSON.parse(line) as { name: string }).name)).toEqual(['checkpoint_key']);
    for (const key of ring) expect(said).not.toContain(key.toString('base64'));
  });

  it('[T6] signs on with the new key, whoever held the lease, and the tree goes on', async () => {
    const { log_vkey: vkey } = await zoneOf();
    const [rotation] = await rotations(zone);
    await makeApplication(old, zone, 'on the replica that was not restarted');
    const note = await eventually(
      () => checkpoint(now),
      (text) => Number(text.split('\n')[1]) > (rotation?.index ?? Infinity) + 1,
    );
    expect(opened(note, vkey).size).toBeGreaterThan((rotation?.index ?? Infinity) + 1);
    expect(() => opened(note, before.vkey)).toThrow('is not signed by');
    const sizes = [before.checkpoint, note].map((text) => Number(text.split('\n')[1]));
    const proof = await now.admin('GET', `/v1/zones/${zone}/audit/consistency?from=${sizes[0]}&to=${sizes[1]}`);
    const files = [await keep('old.note', before.checkpoint), await keep('new.note', note)];
    const by = ['--consistency', await keep('proof.json', JSON.stringify(proof.body))];
    const both = ['--key', vkey, '--key', before.vkey];
    expect(await runVerify('diff', ...files, ...both, ...by)).toMatchObject({ code: 0 });
    expect(await runVerify('diff', ...files, '--key', vkey, ...by)).toMatchObject({ code: 1 });
    expect(await runVerify('diff', ...files, '--key', vkey, '--key', 'log+x', ...by)).toMatchObject({ code: 2 });
  });

  it('[T6] is quiet and answers 503 on a replica that does not have the new key yet', async () => {
    const answer = await eventually(
      () => old.admin('GET', `/v1/zones/${zone}/audit/checkpoint`),
      ({ status }) => status !== 200,
    );
    expect([answer.status, answer.body.code]).toEqual([503, 'temporarily_unavailable']);
    const warned = async () =>
      old
        .logs()
        .split('\n')
        .filter((line) => line.includes('does not have')).length;
    const zones = 3;
    expect(await eventually(warned, (times) => times >= zones)).toBe(zones);
  });

  it('[T6] proves itself to whoever trusts the old key alone', async () => {
    const { log_vkey: vkey, log_retired_keys: retired } = await zoneOf();
    const note = await keep('handover.note', retired[0].handover);
    expect(await runVerify('handover', note, '--key', before.vkey)).toEqual({ code: 0, out: vkey, err: '' });
    expect(await runVerify('handover', note, '--key', vkey)).toMatchObject({ code: 1 });
    const folder = await exported(now);
    for (const key of [vkey, before.vkey])
      expect(await runVerify(folder, '--key', key)).toMatchObject({ code: 0, err: '' });
    const manifest = JSON.parse(await readFile(path.join(folder, 'manifest.json'), 'utf8')) as SignedManifest;
    expect(manifest.retired_keys).toEqual([{ vkey: before.vkey, handover: retired[0].handover }]);
    expect(await runVerify(before.folder, '--key', before.vkey)).toMatchObject({ code: 0 });
    expect((await runVerify(before.folder, '--key', vkey)).out).toMatch(/^head: the note is not signed by/);
  });

  it('[T6] leaves a database that verifies with the whole ring and not with the new key alone', async () => {
    const database = ['--data-dir', old.dataDir, '--dsn', old.dsn];
    expect(await runVerify(...database)).toMatchObject({ code: 0 });
    await setRing(...ring.slice(0, 1));
    expect((await runVerify(...database)).out).toMatch(
      new RegExp(`^${zone}: head: a kept checkpoint: .*not signed`, 'm'),
    );
    await setRing(...ring);
  });

  it('[T6] does not turn back: a ring with the old key first goes on with the new one, also for new zones', async () => {
    const { log_vkey: vkey } = await zoneOf();
    await setRing(...ring.toReversed());
    const late = await old.replica();
    expect(late.logs()).toContain('put away before');
    expect((await zoneOf()).log_vkey).toBe(vkey);
    expect(await rotations(zone)).toHaveLength(1);
    const fresh = unique('zone');
    await makeZoneOverHttp(late, fresh);
    expect((await zoneOf(fresh)).log_vkey.split('+')[2]).toBe(vkey.split('+')[2]);
    expect(await checkpoint(late)).toBe(await checkpoint(now));
    await setRing(...ring);
  });

  it('[T5] that only replaces the key is another secret, and the process does not start on it', async () => {
    await setRing(randomBytes(32));
    await expect(old.replica()).rejects.toThrow(/checkpoint_key/);
    await setRing(...ring);
  });
});
