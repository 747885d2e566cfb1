import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { canonicalize } from '../../src/kernel/canonical-json.js';
import { ExportSchedule } from '../../src/audit/exports/export-schedule.js';
import { DeadLetters } from '../../src/platform/queue/index.js';
import { administrator, all, patch } from '../support/administration.js';
import { startTestApp, unique, type TestApp } from '../support/app.js';
import { makeApplication, makeZoneOverHttp } from '../support/fixtures.js';
import { eventually, leafOf, treeHash } from '../support/log.js';
import { runVerify } from '../support/verify-program.js';

/** Evidence that leaves the server, and the program that needs nothing but it and a public key. */
describe('exports and the verify program', () => {
  let app: TestApp;
  let dir: string;
  let vkey: string;
  const zone = unique('zone');
  const audit = `/v1/zones/${zone}/audit`;

  beforeAll(async () => {
    app = await startTestApp();
    dir = await mkdtemp(join(tmpdir(), 'caracal-evidence-'));
    await makeZoneOverHttp(app, zone);
    for (let n = 0; n < 8; n += 1) await makeApplication(app, zone, `agent-${n}`);
    vkey = (await app.admin('GET', `/v1/zones/${zone}`)).body.log_vkey;
  });

  afterAll(async () => {
    await app.close();
    await rm(dir, { recursive: true, force: true });
  });

  const exported = async (range: object, slug = zone) => {
    const made = await app.admin('POST', `/v1/zones/${slug}/audit/exports`, { format: 'jsonl', ...range });
    expect([made.status, made.body.status]).toEqual([202, 'running']);
    const path = `/v1/zones/${slug}/audit/exports/${made.body.id}`;
    const ready = await eventually(
      () => app.admin('GET', path),
      ({ body }) => body.status === 'ready',
    );
    expect(ready.body).toMatchObject({ id: made.body.id, status: 'ready' });
    return path;
  };

  const text = async (path: string): Promise<string> => {
    const response = await fetch(`${app.url}${path}`, { headers: { authorization: `Bearer ${app.adminToken}` } });
    expect(response.status).toBe(200);
    return response.text();
  };

  /** The export's two files in a directory of their own. */
  const download = async (path: string): Promise<string> => {
    const folder = await mkdtemp(join(dir, 'export-'));
    for (const name of ['entries.jsonl', 'manifest.json'])
      await writeFile(join(folder, name), await text(`${path}/${name}`));
    return folder;
  };

  it('[T6] gives the entries as they were hashed, a manifest, and the same files in DATA_DIR', async () => {
    const path = await exported({});
    const events = await all(app.admin, `${audit}/events`);
    const entries = await text(`${path}/entries.jsonl`);
    const manifest = JSON.parse(await text(`${path}/manifest.json`));
    const lines = entries
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines).toHaveLength(manifest.to);
    for (const line of lines) {
      const { index, ingested_at, leaf, entry } = events[line.index];
      expect(Object.keys(line)).toEqual(['index', 'ingested_at', 'leaf', 'kid', 'mac', 'entry']);
      expect(line).toMatchObject({ index, ingested_at, leaf, entry: canonicalize(entry) });
      expect(line.mac).toMatch(/^[0-9a-f]{64}$/);
    }
    const zoneBody = (await app.admin('GET', `/v1/zones/${zone}`)).body;
    expect(manifest).toMatchObject({
      v: 1,
      zone,
      origin: zoneBody.log_origin,
      from: 0,
      root: treeHash(lines.map((line) => leafOf(line.entry))).toString('base64'),
      entries_sha256: createHash('sha256').update(entries).digest('hex'),
    });
    const onDisk = join(app.dataDir, 'exports', zone, path.slice(path.lastIndexOf('/') + 1));
    expect(await readFile(join(onDisk, 'entries.jsonl'), 'utf8')).toBe(entries);
    expect(JSON.parse(await readFile(join(onDisk, 'manifest.json'), 'utf8'))).toEqual(manifest);
    await rm(onDisk, { recursive: true });
    expect(await text(`${path}/entries.jsonl`)).toBe(entries);
  });

  it('goes on with a download that broke off, with the file and without it (RFC 9110 §14)', async () => {
    const path = await exported({});
    const file = `${path}/entries.jsonl`;
    const get = (headers: Readonly<Record<string, string>>) =>
      fetch(`${app.url}${file}`, { headers: { authorization: `Bearer ${app.adminToken}`, ...headers } });
    const whole = await get({});
    const bytes = Buffer.from(await whole.arrayBuffer());
    const etag = whole.headers.get('etag') as string;
    expect([whole.status, whole.headers.get('accept-ranges'), etag]).toEqual([200, 'bytes', expect.any(String)]);
    const length = bytes.length;
    for (const kept of [true, false]) {
      if (!kept)
        await rm(join(app.dataDir, 'exports', zone, path.slice(path.lastIndexOf('/') + 1)), { recursive: true });
      for (const [range, start, end] of [
        ['bytes=0-99', 0, 100],
        [`bytes=${length - 700}-`, length - 700, length],
        ['bytes=-1', length - 1, length],
        ['bytes=1000-1000', 1000, 1001],
      ] as const) {
        const part = await get({ range, 'if-range': etag });
        expect([part.status, part.headers.get('content-range')]).toEqual([206, `bytes ${start}-${end - 1}/${length}`]);
        expect(Buffer.from(await part.arrayBuffer())).toEqual(bytes.subarray(start, end));
      }
    }
    for (const headers of [{ range: 'bytes=5-', 'if-range': '"other"' }, { range: 'lines=1-2' }]) {
      const everything = await get(headers);
      expect([everything.status, (await everything.arrayBuffer()).byteLength]).toEqual([200, length]);
    }
    const behind = await get({ range: `bytes=${length}-` });
    expect([behind.status, behind.headers.get('content-range')]).toEqual([416, `bytes */${length}`]);
    expect(await behind.json()).toMatchObject({ code: 'range_not_satisfiable' });
  });

  it('[T6] has beside it what is personal, until that is erased; it verifies before and after', async () => {
    const path = await exported({ from: 0, to: 4 });
    const folder = await download(path);
    const said = async (): Promise<string> => {
      await writeFile(join(folder, 'personal.jsonl'), await text(`${path}/personal.jsonl`));
      const { code, out } = await runVerify(folder, '--key', vkey);
      return `${code}: ${out}`;
    };
    const before = await said();
    expect(before).toMatch(/^0: .*personal payload: 4 verified, 0 erased, 0 not at hand$/);
    const [event] = (await app.admin('GET', `${audit}/events?from=2&to=3`)).body.items;
    expect(event.entry.client).toBeUndefined();
    expect(event.personal.payload.client.address).toBe('127.0.0.1');
    const hold = await app.admin('POST', `${audit}/holds`, { from: 2, to: 3, reason: 'case 7' });
    const ask = (body: object) => app.admin('POST', `${audit}/erasures`, { reason: 'request 12', ...body });
    expect((await ask({ from: 2, to: 3 })).body.code).toBe('retention_hold');
    await app.admin('DELETE', `${audit}/holds/${hold.body.id}`, { reason: 'closed' });
    const erased = await ask({ from: 2, to: 3 });
    expect([erased.status, erased.body]).toEqual([200, { erased: 1 }]);
    expect(await said()).toBe(before.replace('4 verified, 0 erased', '3 verified, 1 erased'));
    expect((await app.admin('GET', `${audit}/events/2`)).body.personal).toEqual({ erased_at: expect.any(String) });
    const [news] = await all(app.admin, `${audit}/events?type=ledger.personal_erased`);
    expect(news.entry).toMatchObject({ actor: { kind: 'human' }, detail: { indices: [2] } });
    for (const wrong of [{}, { from: 1 }, { from: 3, to: 3 }, { subject: '' }, { to: 9, reason: '' }, { all: true }])
      expect([wrong, (await ask(wrong)).status]).toEqual([wrong, 400]);
  });

  it('[T6] is byte-stable, whatever was appended since', async () => {
    const [one, other] = [await exported({ from: 1, to: 6 }), await exported({ from: 1, to: 6 })];
    for (const name of ['entries.jsonl', 'manifest.json'])
      expect(await text(`${one}/${name}`)).toBe(await text(`${other}/${name}`));
  });

  it('[T6] is recorded: who asked, and what was written', async () => {
    const asked = await all(app.admin, `${audit}/events?type=admin.exports.create`);
    const written = await all(app.admin, `${audit}/events?type=ledger.exported`);
    expect(written.length).toBeGreaterThan(0);
    expect(asked.length).toBe(written.length);
    expect((await all(app.admin, `${audit}/exports`)).map(({ status }) => status)).toEqual(asked.map(() => 'ready'));
  });

  it('refuses what it cannot export', async () => {
    const ask = (body: unknown) => app.admin('POST', `${audit}/exports`, body);
    for (const body of [
      {},
      { format: 'parquet' },
      { format: 'jsonl', from: -1 },
      { format: 'jsonl', to: 99_999 },
      { format: 'jsonl', from: 3, to: 3 },
      { format: 'jsonl', from: 3, to: 2 },
      { format: 'jsonl', more: 1 },
    ])
      expect([body, (await ask(body)).status]).toEqual([body, 400]);
    expect((await app.admin('GET', `${audit}/exports/exp_nothing`)).status).toBe(404);
    const reader = await administrator(app, ['read']);
    expect((await reader('POST', `${audit}/exports`, { format: 'jsonl' })).status).toBe(403);
  });

  it('[T6] the program verifies an export with the public key alone, and names the first index that was touched', async () => {
    const folder = await download(await exported({}));
    const sound = await runVerify(folder, '--key', vkey);
    expect(sound).toMatchObject({ code: 0, err: '' });
    expect(sound.out).toMatch(new RegExp(`^${zone}: entries 0 to \\d+ verified under the checkpoint of \\d+ entries`));
    const path = join(folder, 'entries.jsonl');
    const entries = await readFile(path, 'utf8');
    await writeFile(path, entries.replace('admin.applications.create', 'admin.applications.delete'));
    const edited = await runVerify(folder, '--key', vkey);
    expect(edited.code).toBe(1);
    expect(edited.out).toMatch(/^index \d+: entry bytes do not match the leaf hash$/);
    await writeFile(
      path,
      entries
        .split('\n')
        .filter((_, at) => at !== 4)
        .join('\n'),
    );
    expect(await runVerify(folder, '--key', vkey)).toEqual({ code: 1, out: 'index 4: entry is missing', err: '' });
    await writeFile(path, entries);
    const systemKey = (await app.admin('GET', '/v1/zones/_system')).body.log_vkey;
    expect(await runVerify(folder, '--key', systemKey)).toMatchObject({
      code: 1,
      out: expect.stringMatching(/^head: /),
    });
  });

  it('[T6] the system’s ledger is exported and verified like any other', async () => {
    const folder = await download(await exported({}, '_system'));
    const { log_vkey: key } = (await app.admin('GET', '/v1/zones/_system')).body;
    expect(await runVerify(folder, '--key', key)).toMatchObject({ code: 0 });
  });

  it('the program says how it is used, and ends with 2 when it cannot be run', async () => {
    for (const args of [
      [],
      ['--key', vkey],
      ['somewhere'],
      ['a', 'b', '--key', vkey],
      ['proof', 'x', '--key', vkey],
      ['somewhere', '--key', vkey, '--zone', 'x'],
    ])
      expect([args, await runVerify(...args)]).toEqual([
        args,
        expect.objectContaining({ code: 2, err: expect.stringContaining('usage:') }),
      ]);
    expect(await runVerify('/nowhere', '--key', vkey)).toMatchObject({ code: 2, out: '' });
    expect(await runVerify(dir, '--key', 'not a key')).toMatchObject({ code: 2, out: '' });
  });

  it('[T6] the program verifies a public log by its tiles, an export by its URL, a receipt and two checkpoints', async () => {
    expect((await patch(app.admin, `/v1/zones/${zone}`, { public_log: true })).status).toBe(200);
    const early = await text(`${audit}/checkpoint`);
    await makeApplication(app, zone, 'later');
    const size = (await all(app.admin, `${audit}/events`)).length;
    const late = await eventually(
      () => text(`${audit}/checkpoint`),
      (note) => Number(note.split('\n')[1]) >= size,
    );
    const url = `${app.url}/log/${zone}`;
    expect(await runVerify(url, '--key', vkey)).toMatchObject({
      code: 0,
      out: expect.stringMatching(/tiles of \d+ entries verified$/),
    });

    const tokenFile = join(dir, 'token');
    await writeFile(tokenFile, app.adminToken);
    const path = await exported({ from: 2 });
    expect(await runVerify(`${app.url}${path}`, '--key', vkey, '--token-file', tokenFile)).toMatchObject({ code: 0 });
    expect(await runVerify(`${app.url}${path}`, '--key', vkey)).toMatchObject({ code: 2 });

    const [receipt, entryFile] = [join(dir, 'receipt'), join(dir, 'entry')];
    await writeFile(receipt, await text(`${audit}/proofs/3`));
    const { entry, leaf } = (await app.admin('GET', `${audit}/events/3`)).body;
    await writeFile(entryFile, `${canonicalize(entry)}\n`);
    expect(await runVerify('proof', receipt, '--key', vkey, '--entry', entryFile)).toMatchObject({ code: 0 });
    expect(await runVerify('proof', receipt, '--key', vkey, '--leaf', leaf)).toMatchObject({ code: 0 });
    await writeFile(entryFile, `${canonicalize({ ...entry, decision: 'deny' })}`);
    expect(await runVerify('proof', receipt, '--key', vkey, '--entry', entryFile)).toMatchObject({
      code: 1,
      out: 'index 3: the entry is not the one that the receipt proves',
    });

    const [one, other, consistency] = [join(dir, 'one'), join(dir, 'other'), join(dir, 'consistency')];
    await writeFile(one, early);
    await writeFile(other, late);
    const [from, to] = [early, late].map((note) => note.split('\n')[1]);
    await writeFile(consistency, await text(`${audit}/consistency?from=${from}&to=${to}`));
    const diff = (...more: string[]) => runVerify('diff', one, other, '--key', vkey, ...more);
    expect(await diff('--log', url)).toMatchObject({ code: 0 });
    expect(await diff('--consistency', consistency)).toMatchObject({ code: 0 });
    expect(await diff()).toMatchObject({ code: 2 });
    await writeFile(other, late.replace(`\n${to}\n`, `\n${Number(to) + 1}\n`));
    expect(await diff('--log', url)).toMatchObject({ code: 1, out: expect.stringMatching(/^head: the signature/) });
  });

  describe('a log that somebody else serves', () => {
    const files = new Map<string, Buffer>();
    let server: Server;
    let mirror: string;
    let asked = 0;

    beforeAll(async () => {
      server = createServer((request, response) => {
        asked += 1;
        const found = files.get((request.url ?? '').slice(1));
        response.writeHead(found ? 200 : 404).end(found);
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      mirror = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    });

    afterAll(() => new Promise((resolve) => server.close(resolve)));

    const copy = async (): Promise<number> => {
      files.clear();
      const note = Buffer.from(await (await fetch(`${app.url}/log/${zone}/checkpoint`)).arrayBuffer());
      const size = Number(note.toString('utf8').split('\n')[1]);
      const tile = await fetch(`${app.url}/log/${zone}/tile/0/000.p/${size}`);
      files.set('checkpoint', note).set(`tile/0/000.p/${size}`, Buffer.from(await tile.arrayBuffer()));
      return size;
    };

    it('[T6] is verified as well from a directory that it was copied to', async () => {
      await copy();
      const folder = await mkdtemp(join(dir, 'log-'));
      for (const [name, bytes] of files) {
        await mkdir(dirname(join(folder, name)), { recursive: true });
        await writeFile(join(folder, name), bytes);
      }
      expect(await runVerify(folder, '--key', vkey)).toMatchObject({
        code: 0,
        out: expect.stringMatching(/tiles of \d+ entries verified$/),
      });
      await writeFile(join(folder, 'checkpoint'), 'x');
      expect(await runVerify(folder, '--key', vkey)).toMatchObject({ code: 1 });
    });

    it('[T6] is verified; a cut or changed tile, a changed or older checkpoint is reported', async () => {
      const size = await copy();
      const tile = files.get(`tile/0/000.p/${size}`) as Buffer;
      expect(await runVerify(mirror, '--key', vkey)).toMatchObject({ code: 0 });
      files.set(`tile/0/000.p/${size}`, tile.subarray(0, -32));
      expect(await runVerify(mirror, '--key', vkey)).toMatchObject({
        code: 1,
        out: expect.stringMatching(/^index 0: .* holds/),
      });
      files.set(`tile/0/000.p/${size}`, Buffer.concat([tile.subarray(32), tile.subarray(0, 32)]));
      expect(await runVerify(mirror, '--key', vkey)).toMatchObject({
        code: 1,
        out: expect.stringMatching(/^head: the tiles/),
      });
      files.delete(`tile/0/000.p/${size}`);
      expect(await runVerify(mirror, '--key', vkey)).toMatchObject({
        code: 1,
        out: expect.stringMatching(/^index 0: .* missing/),
      });
      files.clear();
      expect(await runVerify(mirror, '--key', vkey)).toMatchObject({ code: 1, out: 'head: checkpoint is missing' });
    });

    it('[T6] is watched: growth is followed, a log that shrinks ends the watch with 1', async () => {
      const size = await copy();
      const before = new Map(files);
      await makeApplication(app, zone, 'watched');
      await eventually(
        () => fetch(`${app.url}/log/${zone}/checkpoint`).then((answer) => answer.text()),
        (note) => Number(note.split('\n')[1]) > size,
      );
      const grown = await runVerify(
        'watch',
        `${app.url}/log/${zone}`,
        '--key',
        vkey,
        // As many as it takes until nothing of the tests before is still being written.
        '--rounds',
        '30',
        '--every',
        '0.1',
        '--stale',
        '0.05',
      );
      expect(grown.code).toBe(0);
      expect(grown.out).toMatch(/alarm: no new checkpoint/);
      await copy();
      asked = 0;
      const watching = runVerify('watch', mirror, '--key', vkey, '--every', '0.2', '--rounds', '100');
      await eventually(
        async () => asked,
        (count) => count >= 3,
      );
      for (const [name, bytes] of before) files.set(name, bytes);
      expect(await watching).toMatchObject({ code: 1, out: expect.stringMatching(/index \d+: the log shrank/) });
    });

    it('[T6] is watched by a program that is started again: what happened in between is seen', async () => {
      await makeApplication(app, zone, 'between');
      const size = await copy();
      const before = new Map(files);
      await makeApplication(app, zone, 'watched-again');
      await eventually(copy, (grown) => grown > size);
      const state = join(dir, 'watched');
      const once = () => runVerify('watch', mirror, '--key', vkey, '--state', state, '--rounds', '1');
      expect(await once()).toMatchObject({ code: 0 });
      expect(await once()).toMatchObject({ code: 0, out: expect.stringMatching(/goes on from \d+ entries/) });
      const kept = await readFile(state, 'utf8');
      for (const [name, bytes] of before) files.set(name, bytes);
      expect(await once()).toMatchObject({ code: 1, out: expect.stringMatching(/index \d+: the log shrank/) });
      expect(await readFile(state, 'utf8')).toBe(kept);
      expect(await readFile(`${state}.contradiction`)).toEqual(before.get('checkpoint'));
      await writeFile(state, 'x');
      expect(await once()).toMatchObject({ code: 2, err: expect.stringContaining('holds no head of') });
    });
  });

  it('[T6] a zone that asks for it is exported on schedule, each time from where the last export ended', async () => {
    expect((await patch(app.admin, `/v1/zones/${zone}`, { export_every_hours: 1 })).status).toBe(200);
    const schedule = app.running.app.get(ExportSchedule);
    await schedule.exportDue();
    await schedule.exportDue();
    const scheduled = async () => (await all(app.admin, `${audit}/exports`)).filter((one) => one.scheduled);
    const [first, ...more] = await eventually(scheduled, ([one]) => one?.status === 'ready');
    expect([first.from, more]).toEqual([0, []]);
    const folder = await download(`${audit}/exports/${first.id}`);
    expect(await runVerify(folder, '--key', vkey)).toMatchObject({ code: 0 });
  });

  it('[T8] an export whose job was given up says so, and is ready once the job is done after all', async () => {
    const blocked = unique('zone');
    await makeZoneOverHttp(app, blocked);
    const place = join(app.dataDir, 'exports', blocked);
    await writeFile(place, 'in the way');
    const made = await app.admin('POST', `/v1/zones/${blocked}/audit/exports`, { format: 'jsonl' });
    const path = `/v1/zones/${blocked}/audit/exports/${made.body.id}`;
    const envelope = { body: JSON.stringify({ id: made.body.id }) };
    await app.running.app.get(DeadLetters).bury('exports', { reason: 'failed', envelope, zone: blocked });
    const schedule = app.running.app.get(ExportSchedule);
    for (let twice = 0; twice < 2; twice += 1) await schedule.giveUpAbandoned();
    expect((await app.admin('GET', path)).body).toMatchObject({ status: 'failed', reason: 'failed' });
    const news = await all(app.admin, `/v1/zones/${blocked}/audit/events?type=ledger.export_failed`);
    expect(news.map(({ entry }) => entry.detail)).toEqual([{ export: made.body.id, reason: 'failed' }]);
    await rm(place);
    const done = await eventually(
      () => app.admin('GET', path),
      ({ body }) => body.status === 'ready',
    );
    expect(done.body).toMatchObject({ status: 'ready' });
    expect(done.body.reason).toBeUndefined();
  });
});
