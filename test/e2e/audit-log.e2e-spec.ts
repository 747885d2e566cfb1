import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { canonicalize } from '../../src/kernel/canonical-json.js';
import { parseTlogProof } from '../../src/audit/domain/log/tlog-proof.js';
import { verifyConsistency, verifyInclusion } from '../../src/audit/domain/log/tree-proofs.js';
import { administrator, all, patch } from '../support/administration.js';
import { call, startTestApp, unique, type TestApp } from '../support/app.js';
import { makeApplication, makeZoneOverHttp } from '../support/fixtures.js';
import { eventually, leafOf, opened, setBack, tamperWith, treeHash } from '../support/log.js';

/** The Merkle log over HTTP: what an auditor asks for and what anyone may. */
describe('the log of a zone', () => {
  let app: TestApp;
  const zone = unique('zone');
  const audit = `/v1/zones/${zone}/audit`;

  beforeAll(async () => {
    app = await startTestApp();
    await makeZoneOverHttp(app, zone);
    for (let n = 0; n < 5; n += 1) await makeApplication(app, zone, `agent-${n}`);
  });

  afterAll(() => app.close());

  const vkeyOf = async (slug: string): Promise<string> => (await app.admin('GET', `/v1/zones/${slug}`)).body.log_vkey;
  const leavesOf = async (slug: string): Promise<Buffer[]> =>
    (await all(app.admin, `/v1/zones/${slug}/audit/events`)).map((item) => leafOf(canonicalize(item.entry)));
  const checkpoint = async (slug: string, size: number) => {
    const answer = await eventually(
      () => app.admin('GET', `/v1/zones/${slug}/audit/checkpoint`),
      ({ body }) => Number(String(body).split('\n')[1]) >= size,
    );
    return answer;
  };

  it.each([zone, '_system'])(
    '[T6] %s: every entry soon is under a signed checkpoint with the root of RFC 6962',
    async (slug) => {
      if (slug === '_system') await administrator(app, ['read']);
      const leaves = await leavesOf(slug);
      const { status, headers, body } = await checkpoint(slug, leaves.length);
      expect([status, headers.get('content-type')]).toEqual([200, 'text/plain; charset=utf-8']);
      const zoneBody = (await app.admin('GET', `/v1/zones/${slug}`)).body;
      const { origin, size, root } = opened(body, zoneBody.log_vkey);
      expect(origin).toBe(zoneBody.log_origin);
      expect(root).toEqual(treeHash((await leavesOf(slug)).slice(0, size)));
    },
  );

  it('[T6] proves each entry with a C2SP tlog-proof, and no other', async () => {
    const vkey = await vkeyOf(zone);
    const leaves = await leavesOf(zone);
    for (const [index, leaf] of leaves.entries()) {
      const { status, headers, body } = await app.admin('GET', `${audit}/proofs/${index}`);
      expect([status, headers.get('content-type')]).toEqual([200, 'text/plain; charset=utf-8']);
      const proof = parseTlogProof(body);
      expect(proof.index).toBe(index);
      const head = opened(proof.checkpoint, vkey);
      expect(verifyInclusion({ index, leaf }, proof.hashes, head)).toBe(true);
      expect(verifyInclusion({ index, leaf: leaves[index ? 0 : 1] as Buffer }, proof.hashes, head)).toBe(false);
    }
    for (const wrong of [leaves.length + 50, '-1', '01', 'x'])
      expect((await app.admin('GET', `${audit}/proofs/${wrong}`)).status).toBe(404);
  });

  it('[T6] proves an entry that was appended just now', async () => {
    await makeApplication(app, zone, 'late');
    const index = (await leavesOf(zone)).length - 1;
    expect((await app.admin('GET', `${audit}/proofs/${index}`)).status).toBe(200);
  });

  it('[T6] proves that a later tree begins with an earlier one (RFC 6962 §2.1.2)', async () => {
    const leaves = await leavesOf(zone);
    const to = leaves.length;
    for (const from of [0, 1, 3, to]) {
      const { status, body } = await app.admin('GET', `${audit}/consistency?from=${from}&to=${to}`);
      expect([status, body.from, body.to]).toEqual([200, from, to]);
      const hashes = (body.hashes as string[]).map((hash) => Buffer.from(hash, 'base64'));
      const head = (size: number) => ({ size, root: treeHash(leaves.slice(0, size)) });
      expect(verifyConsistency(head(from), head(to), hashes)).toBe(true);
    }
    for (const query of ['', '?from=x', '?from=3&to=2', '?from=0&to=99999', '?from=-1&to=2', '?from=1&to=2&more=1']) {
      const { status, body } = await app.admin('GET', `${audit}/consistency${query}`);
      expect([query, status, body.code]).toEqual([query, 400, 'invalid_request']);
    }
  });

  it('[T1] needs the capability audit, for this zone', async () => {
    const reader = await administrator(app, ['read', 'write']);
    const auditor = await administrator(app, ['audit'], [zone]);
    for (const path of ['checkpoint', 'proofs/0', 'consistency?from=0']) {
      expect((await reader('GET', `${audit}/${path}`)).status).toBe(403);
      expect((await auditor('GET', `${audit}/${path}`)).status).toBe(200);
      expect((await auditor('GET', `/v1/zones/_system/audit/${path}`)).status).toBe(404);
    }
    expect((await auditor('POST', `${audit}/acknowledge-rollback`, { reason: 'x' })).status).toBe(403);
    expect((await app.admin('GET', '/v1/zones/nowhere/audit/checkpoint')).status).toBe(404);
  });

  it('[T6] shows checkpoints and hash tiles to anyone once the zone opts in, and never entries (C2SP tlog-tiles)', async () => {
    const get = (path: string) => fetch(`${app.url}/log/${path}`);
    expect((await get(`${zone}/checkpoint`)).status).toBe(404);
    expect((await get(`${zone}/tile/0/000.p/1`)).status).toBe(404);
    expect((await patch(app.admin, `/v1/zones/${zone}`, { public_log: true })).status).toBe(200);
    const leaves = await leavesOf(zone);
    await checkpoint(zone, leaves.length);
    const note = await get(`${zone}/checkpoint`);
    expect(note.headers.get('content-type')).toBe('text/plain; charset=utf-8');
    const { size, root } = opened(await note.text(), await vkeyOf(zone));
    const tile = await get(`${zone}/tile/0/000.p/${size}`);
    expect([tile.status, tile.headers.get('content-type')]).toEqual([200, 'application/octet-stream']);
    const hashes = Buffer.from(await tile.arrayBuffer());
    expect(hashes).toEqual(Buffer.concat(leaves.slice(0, size)));
    expect(treeHash(leaves.slice(0, size))).toEqual(root);
    expect(Buffer.from(await (await get(`${zone}/tile/0/000.p/2`)).arrayBuffer())).toEqual(hashes.subarray(0, 64));
    for (const path of ['0/000', '0/000.p/255', '1/000.p/1', '0/001.p/1', 'entries/000.p/1', '0/000.p/0', '0/0', 'x'])
      expect([path, (await get(`${zone}/tile/${path}`)).status]).toEqual([path, 404]);
    expect((await get('_system/checkpoint')).status).toBe(404);
  });

  it('[T6] keeps every released checkpoint in a file beside the database, separated by ---', async () => {
    const text = await readFile(join(app.dataDir, 'anchors', `${zone}.log`), 'utf8');
    const notes = text.split(/^---\n/m).slice(0, -1);
    const vkey = await vkeyOf(zone);
    const leaves = await leavesOf(zone);
    const heads = notes.map((note) => opened(note, vkey));
    expect(heads.length).toBeGreaterThan(0);
    for (const { size, root } of heads) expect(root).toEqual(treeHash(leaves.slice(0, size)));
    const sizes = heads.map(({ size }) => size);
    expect(sizes).toEqual(sizes.toSorted((a, b) => a - b));
  });

  it('[T6] a second replica follows, and one alone signs', async () => {
    const replica = await app.replica();
    await makeApplication(replica, zone, 'there');
    const leaves = await leavesOf(zone);
    const { body } = await checkpoint(zone, leaves.length);
    expect(opened(body, await vkeyOf(zone)).size).toBeGreaterThanOrEqual(leaves.length);
    const { status } = await call(replica.url, { method: 'GET', path: '/health/ready' });
    expect(status).toBe(200);
  });

  it('[T6] signs nothing after a rollback until an administrator acknowledges it, then under a new name', async () => {
    const victim = unique('victim');
    const path = `/v1/zones/${victim}/audit`;
    await makeZoneOverHttp(app, victim);
    await checkpoint(victim, 1);
    const early = opened((await checkpoint(victim, 1)).body, await vkeyOf(victim));
    await makeApplication(app, victim, 'one');
    await makeApplication(app, victim, 'two');
    const late = opened((await checkpoint(victim, early.size + 4)).body, await vkeyOf(victim));
    const before = (await app.admin('GET', `/v1/zones/${victim}`)).body;
    await setBack(app.dsn, victim, early.size);

    const ready = () => call(app.url, { method: 'GET', path: '/health/ready' });
    const unready = await eventually(ready, ({ status }) => status === 503);
    expect(unready.body).toEqual({ status: 'unready', reasons: ['ledger_rollback'] });
    await makeApplication(app, victim, 'three');
    expect((await app.admin('GET', `${path}/proofs/${early.size}`)).status).toBe(503);

    expect((await app.admin('POST', `${path}/acknowledge-rollback`, {})).status).toBe(400);
    const answer = await app.admin('POST', `${path}/acknowledge-rollback`, { reason: 'restored last night’s backup' });
    expect(answer.status).toBe(200);
    expect((await eventually(ready, ({ status }) => status === 200)).status).toBe(200);
    const after = (await app.admin('GET', `/v1/zones/${victim}`)).body;
    expect(after.log_origin).toBe(`${before.log_origin}.r1`);
    expect(after.log_history).toEqual([
      {
        origin: before.log_origin,
        vkey: before.log_vkey,
        size: late.size,
        root: late.root.toString('base64'),
        reason: 'restored last night’s backup',
        acknowledged_at: expect.any(String),
      },
    ]);
    const leaves = await leavesOf(victim);
    const { body } = await checkpoint(victim, leaves.length);
    const head = opened(body, after.log_vkey);
    expect([head.origin, head.root]).toEqual([after.log_origin, treeHash(leaves.slice(0, head.size))]);
    expect((await app.admin('POST', `${path}/acknowledge-rollback`, { reason: 'again' })).body.code).toBe('conflict');
    const [entry] = await all(app.admin, `${path}/events?type=admin.audit.acknowledge_rollback`);
    expect(entry.entry.detail).toMatchObject({ ended: [before.log_origin], origin: after.log_origin });
  });

  it('[T6] a zone that is gone with its ledger is noticed; the acknowledgement of the system’s log ends it', async () => {
    const lost = unique('lost');
    await makeZoneOverHttp(app, lost);
    await checkpoint(lost, 1);
    const { log_origin: origin } = (await app.admin('GET', `/v1/zones/${lost}`)).body;
    const system = (await app.admin('GET', '/v1/zones/_system')).body;
    const acknowledge = () =>
      app.admin('POST', '/v1/zones/_system/audit/acknowledge-rollback', {
        reason: 'the backup is older than the zone',
      });
    expect((await acknowledge()).body.code).toBe('conflict');
    await tamperWith(
      app.dsn,
      [
        'ledger',
        'ledger_personal',
        'ledger_head',
        'log_checkpoints',
        'log_tiles',
        'log_trees',
        'signing_keys',
        'graph_lock',
        'feed_head',
      ]
        .map((table): [string, unknown[]] => [`DELETE FROM caracal.${table} WHERE zone = $1`, [lost]])
        .concat([['DELETE FROM caracal.zones WHERE slug = $1', [lost]]]),
    );
    const ready = () => call(app.url, { method: 'GET', path: '/health/ready' });
    const unready = await eventually(ready, ({ body }) => body.reasons?.includes('ledger_rollback') === true);
    expect(unready.status).toBe(503);
    const answer = await eventually(acknowledge, ({ status }) => status === 200);
    expect(answer.body.log_origin).toBe(system.log_origin);
    expect(answer.body.log_history).toEqual([expect.objectContaining({ origin })]);
    const sound = await eventually(ready, ({ body }) => !body.reasons?.includes('ledger_rollback'));
    expect(sound.body.reasons ?? []).not.toContain('ledger_rollback');
  });
});
