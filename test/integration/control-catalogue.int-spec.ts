import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { CONTROL_ENTITIES, Catalogue, type ZoneView } from '../../src/control/index.js';
import { AuditedChanges } from '../../src/audit/index.js';
import { LedgerKeys } from '../../src/audit/ledger-keys.js';
import { ChangeFeed, type ChangeKind } from '../../src/platform/changes/index.js';
import { Database } from '../../src/platform/database/index.js';
import { PublicUrls } from '../../src/platform/urls/index.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { makeZone } from '../support/zone.js';

const MANY = 10_000;

describe('the catalogue', () => {
  let test: TestDatabase;
  let database: Database;
  let reads = 0;
  let wall = 1_000_000;

  const clock = { now: () => wall, monotonic: () => wall };

  beforeAll(async () => {
    test = await createTestDatabase();
    database = await test.open([...CONTROL_ENTITIES]);
    const readZone = database.readZone.bind(database);
    database.readZone = (zone, fn) => {
      reads += 1;
      return readZone(zone, fn);
    };
  });

  afterAll(() => test.drop());

  async function start(): Promise<{ catalogue: Catalogue; feed: ChangeFeed; changes: AuditedChanges }> {
    const faults: unknown[] = [];
    const feed = new ChangeFeed({ database, clock, maxStalenessMs: 2_000, onFault: (error) => faults.push(error) });
    const catalogue = new Catalogue({ database, feed, urls: new PublicUrls('https://caracal.example') });
    const changes = new AuditedChanges({ database, feed, keys: new LedgerKeys(Buffer.alloc(32, 7)), clock });
    await feed.poll();
    return { catalogue, feed, changes };
  }

  async function zoneOf(catalogue: Catalogue, slug: string): Promise<ZoneView> {
    const view = await catalogue.zone(slug);
    if (!view) throw new Error(`no zone ${slug}`);
    return view;
  }

  const change = (
    changes: AuditedChanges,
    zone: string,
    sql: string,
    changed: readonly [ChangeKind, string],
  ): Promise<void> =>
    changes.run(zone, async (tx) => {
      await tx.query(sql, [zone]);
      tx.changed(...changed);
    });

  it('is read once and then answers from memory; a change re-reads what changed and nothing else', async () => {
    await makeZone(database, 'big');
    await database.withZone('big', (tx) =>
      tx.query(
        `INSERT INTO resources (zone, id, slug, identifier, name, scopes)
         SELECT $1, 'res_' || n, 'r' || n, 'https://r.example/' || n, 'R', '[{"name":"read"}]' FROM generate_series(1, ${MANY}) n`,
        ['big'],
      ),
    );
    const { catalogue, changes } = await start();
    const view = await zoneOf(catalogue, 'big');
    expect(view.resources().length).toBe(MANY);
    reads = 0;
    expect((await catalogue.zone('big'))?.resourceByIdentifier('https://r.example/77')?.id).toBe('res_77');
    expect(catalogue.peek('big')?.resourceByTarget('https://caracal.example/g/big/r78')?.id).toBe('res_78');
    expect(reads).toBe(0);
    const before = view.resources();
    await change(changes, 'big', `UPDATE resources SET name = 'changed' WHERE zone = $1 AND id = 'res_5'`, [
      'resource',
      'res_5',
    ]);
    expect(reads).toBe(1);
    const after = view.resources();
    const touched = after.filter((resource) => view.resource(resource.id) !== before.find((old) => old === resource));
    expect(touched.map((resource) => resource.name)).toEqual(['changed']);
  });

  it('misses no change that is committed while it is being read', async () => {
    await makeZone(database, 'busy');
    const { catalogue, changes } = await start();
    const loading = Promise.all(Array.from({ length: 4 }, () => catalogue.zone('busy')));
    const writing = Array.from({ length: 20 }, (_, turn) =>
      change(
        changes,
        'busy',
        `INSERT INTO applications (zone, id, slug, name) VALUES ($1, 'app_${turn}', 'a${turn}', 'A')`,
        ['application', `app_${turn}`],
      ),
    );
    await Promise.all(writing);
    const views = await loading;
    expect(new Set(views).size).toBe(1);
    for (let turn = 0; turn < 20; turn += 1) expect(views[0]?.application(`app_${turn}`)?.name).toBe('A');
  });

  it('[T8] refuses to answer when it cannot prove that it is fresh', async () => {
    await makeZone(database, 'stale');
    const { catalogue, feed } = await start();
    await zoneOf(catalogue, 'stale');
    wall += 2_001;
    await expect(catalogue.zone('stale')).rejects.toMatchObject({
      code: 'temporarily_unavailable',
      detail: 'view_stale',
    });
    await feed.poll();
    expect((await catalogue.zone('stale'))?.slug).toBe('stale');
  });

  it('[T8] refuses after a change whose rows it could not read, and is right once it could', async () => {
    await makeZone(database, 'broken');
    const { catalogue, feed, changes } = await start();
    const view = await zoneOf(catalogue, 'broken');
    const { readZone } = database;
    database.readZone = () => Promise.reject(new Error('cut'));
    await expect(
      change(changes, 'broken', `UPDATE zones SET status = 'killed', epoch = 1 WHERE slug = $1`, ['zone', 'broken']),
    ).rejects.toThrow('cut');
    await expect(catalogue.zone('broken')).rejects.toMatchObject({ detail: 'view_stale' });
    database.readZone = readZone;
    await feed.poll();
    await catalogue.zone('broken');
    expect([view.status, view.epoch]).toEqual(['killed', 1]);
  });

  it('starts a zone anew when the log does not reach back far enough', async () => {
    await makeZone(database, 'gap');
    const { catalogue, feed } = await start();
    const view = await zoneOf(catalogue, 'gap');
    await test.superuser((client) => client.query(`UPDATE caracal.feed_head SET seq = seq + 5 WHERE zone = 'gap'`));
    await test.superuser((client) => client.query(`UPDATE caracal.zones SET name = 'new' WHERE slug = 'gap'`));
    await feed.poll();
    const again = await zoneOf(catalogue, 'gap');
    expect(again).not.toBe(view);
    expect(again.name).toBe('new');
  });

  it('tells who listens of every change, after it took effect', async () => {
    await makeZone(database, 'heard');
    const { catalogue, changes } = await start();
    const view = await zoneOf(catalogue, 'heard');
    const heard: [string, string][] = [];
    catalogue.onChanged((zone) => heard.push([zone, view.status]));
    await change(changes, 'heard', `UPDATE zones SET status = 'killed' WHERE slug = $1`, ['zone', 'heard']);
    expect(heard).toEqual([['heard', 'killed']]);
  });

  it('does not ask the database for what is no slug, nor twice in a row for a zone that is not there', async () => {
    const { catalogue } = await start();
    reads = 0;
    for (const slug of ['', 'A', 'a/b', '../x', 'x'.repeat(64), '\u0000'])
      expect(await catalogue.zone(slug)).toBeUndefined();
    expect(reads).toBe(0);
    expect([await catalogue.zone('nowhere'), await catalogue.zone('nowhere')]).toEqual([undefined, undefined]);
    expect(reads).toBe(1);
    await makeZone(database, 'nowhere');
    catalogue.forgetAbsence('nowhere');
    expect((await catalogue.zone('nowhere'))?.slug).toBe('nowhere');
  });
});
