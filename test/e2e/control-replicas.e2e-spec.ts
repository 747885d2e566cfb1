import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Catalogue, type ZoneView } from '../../src/control/index.js';
import { startTestApp, unique, type TestApp } from '../support/app.js';
import { archive, patch, soundResource } from '../support/administration.js';
import { created, makeApplication, makeZoneOverHttp } from '../support/fixtures.js';

/** The catalogue of a running server. */
const viewOf = async (app: TestApp, zone: string): Promise<ZoneView> => {
  const view = await app.running.app.get(Catalogue).zone(zone);
  if (!view) throw new Error(`no zone ${zone}`);
  return view;
};

/** Waits until it is so; the test's own time limit ends it. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 10));
}

describe('the catalogue on several replicas', () => {
  let app: TestApp;
  let other: TestApp;
  const zone = unique('zone');
  const at = (path: string): string => `/v1/zones/${zone}${path}`;

  beforeAll(async () => {
    app = await startTestApp();
    await makeZoneOverHttp(app, zone);
    other = await app.replica();
  });

  afterAll(() => app.close());

  it('shows a change here before it is answered, and there as soon as the feed says so', async () => {
    const [here, there] = [await viewOf(app, zone), await viewOf(other, zone)];
    const client = await makeApplication(app, zone, 'agent');
    expect(here.application(client.id)?.credentials.length).toBe(1);
    await until(() => there.application(client.id)?.credentials.length === 1);

    const resource = await created(app, at('/resources'), soundResource('api'));
    expect(here.resourceBySlug('api')?.id).toBe(resource.id);
    const grant = await created(app, at('/grants'), {
      application: client.id,
      resource: resource.id,
      scopes: ['read'],
    });
    expect(here.grantsAt(client.id, resource.id).map((held) => held.id)).toEqual([grant.id]);
    await until(() => there.grantsAt(client.id, resource.id).length === 1);

    await patch(app.admin, at(`/resources/${resource.id}`), { name: 'changed' });
    expect(here.resource(resource.id)?.name).toBe('changed');
    await until(() => there.resource(resource.id)?.name === 'changed');

    await archive(app.admin, at(`/resources/${resource.id}`));
    expect([here.resource(resource.id)?.status, here.grantsAt(client.id, resource.id)]).toEqual(['archived', []]);
    await until(() => there.grantsAt(client.id, resource.id).length === 0);
  });

  it('[T2] kills a zone on both', async () => {
    const [here, there] = [await viewOf(app, zone), await viewOf(other, zone)];
    const { epoch } = here;
    await app.admin('POST', at('/kill'), { reason: 'test' });
    expect([here.status, here.epoch]).toEqual(['killed', epoch + 1]);
    await until(() => there.status === 'killed' && there.epoch === epoch + 1);
    await other.admin('POST', at('/restore'));
    expect(there.status).toBe('active');
    await until(() => here.status === 'active');
  });

  it('takes administration from either', async () => {
    const made = await other.admin('POST', at('/applications'), { name: 'made there' });
    expect((await patch(app.admin, at(`/applications/${made.body.id}`), { name: 'changed here' })).status).toBe(200);
    expect((await archive(other.admin, at(`/applications/${made.body.id}`))).status).toBe(204);
    expect((await app.admin('GET', at(`/applications/${made.body.id}`))).body.status).toBe('archived');
  });
});
