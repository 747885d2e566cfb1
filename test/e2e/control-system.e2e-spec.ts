import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { administrator } from '../support/administration.js';
import { startTestApp, type TestApp } from '../support/app.js';
import { makeZoneOverHttp } from '../support/fixtures.js';

describe('the system', () => {
  let app: TestApp;
  beforeAll(async () => {
    app = await startTestApp({ VIEW_MAX_STALENESS: '2000' });
    await makeZoneOverHttp(app, 'a');
  });
  afterAll(() => app.close());

  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };

  it('says what runs, on what, and how fresh its view is', async () => {
    const { status, body } = await app.admin('GET', '/v1/system');
    expect(status).toBe(200);
    expect(body).toMatchObject({
      versions: { caracal: version, node: process.versions.node, postgresql: expect.stringMatching(/^\d+/) },
      queues: { backend: 'postgres', counts: { maintenance: expect.any(Object), audit: expect.any(Object) } },
      replicas: [{ this: true, version }],
      freshness: { fresh: true, limit_ms: 2_000, age_ms: expect.any(Number) },
      readiness: { status: 'ready', reasons: [] },
    });
  });

  it('names every replica that runs', async () => {
    const replica = await app.replica();
    const { body } = await replica.admin('GET', '/v1/system');
    expect(body.replicas.map((one: { this: boolean }) => one.this)).toEqual([false, true]);
  });

  it('[T12] is shown to global tokens that may read', async () => {
    expect((await (await administrator(app, ['read']))('GET', '/v1/system')).status).toBe(200);
    for (const ask of [await administrator(app, ['read'], ['a']), await administrator(app, ['audit'])])
      expect((await ask('GET', '/v1/system')).body.code).toBe('insufficient_capability');
  });
});
