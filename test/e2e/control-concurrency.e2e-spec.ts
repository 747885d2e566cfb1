import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startTestApp, unique, type TestAnswer, type TestApp } from '../support/app.js';
import { all, archive, read, soundResource, type Asker } from '../support/administration.js';
import { created, makeZoneOverHttp } from '../support/fixtures.js';

describe('administration by many at once', () => {
  let app: TestApp;
  let ask: Asker;
  const zone = unique('zone');
  const at = (path: string): string => `/v1/zones/${zone}${path}`;

  beforeAll(async () => {
    app = await startTestApp();
    ask = app.admin;
    await makeZoneOverHttp(app, zone);
  });

  afterAll(() => app.close());

  const together = (count: number, act: (turn: number) => Promise<TestAnswer>): Promise<TestAnswer[]> =>
    Promise.all(Array.from({ length: count }, (_, turn) => act(turn)));
  const tally = (answers: readonly TestAnswer[]): Record<number, number> => {
    const counts: Record<number, number> = {};
    for (const { status } of answers) counts[status] = (counts[status] ?? 0) + 1;
    return counts;
  };

  it('[T4] loses no update: of ten changes of one version one is made', async () => {
    for (const [area, body] of [
      ['applications', { name: 'x' }],
      ['resources', soundResource(unique('res'))],
      ['providers', { name: 'x', kind: 'none' }],
    ] as const) {
      const { id } = await created(app, at(`/${area}`), body);
      const path = at(`/${area}/${id}`);
      const { match } = await read(ask, path);
      const answers = await together(10, (turn) => ask('PATCH', path, { name: `name ${turn}` }, match));
      expect([area, tally(answers)]).toEqual([area, { 200: 1, 412: 9 }]);
      const winner = answers.find((answer) => answer.status === 200);
      expect((await read(ask, path)).body).toEqual(winner?.body);
    }
    const answers = await together(10, (turn) => ask('PATCH', at(''), { name: `name ${turn}` }, { 'if-match': '"1"' }));
    expect(tally(answers)).toEqual({ 200: 1, 412: 9 });
  });

  it('[T4] makes one zone, application and resource of one slug', async () => {
    const slug = unique('slug');
    expect(tally(await together(6, () => ask('POST', '/v1/zones', { slug, name: 'x' })))).toEqual({ 201: 1, 409: 5 });
    expect(tally(await together(6, () => ask('POST', at('/applications'), { slug, name: 'x' })))).toEqual({
      201: 1,
      409: 5,
    });
    expect(tally(await together(6, () => ask('POST', at('/resources'), soundResource(slug))))).toEqual({
      201: 1,
      409: 5,
    });
  });

  it('[T4] makes one object under one Idempotency-Key', async () => {
    const key = { 'idempotency-key': `"${unique('key')}"` };
    const name = unique('once');
    const answers = await together(8, () => ask('POST', at('/applications'), { name }, key));
    const counts = tally(answers);
    expect((counts[201] ?? 0) + (counts[409] ?? 0)).toBe(8);
    expect(new Set(answers.filter((answer) => answer.status === 201).map((answer) => answer.body.id)).size).toBe(1);
    for (const answer of answers) if (answer.status === 409) expect(answer.body.code).toBe('idempotency_in_progress');
    const later = await ask('POST', at('/applications'), { name }, key);
    expect([later.status, later.headers.get('etag')]).toEqual([201, '"1"']);
    expect((await all(ask, at('/applications'))).filter((item) => item.name === name).length).toBe(1);
  });

  it('[T4] gives an application two live secrets, however many ask', async () => {
    const { id } = await created(app, at('/applications'), { name: 'x' });
    const answers = await together(6, () =>
      ask('POST', at(`/applications/${id}/credentials`), { type: 'client_secret' }),
    );
    expect(tally(answers)).toEqual({ 201: 2, 409: 4 });
  });

  it('[T4] leaves no grant at a resource that was archived meanwhile', async () => {
    const client = await created(app, at('/applications'), { name: 'x' });
    for (let round = 0; round < 5; round += 1) {
      const resource = await created(app, at('/resources'), soundResource(unique('res')));
      const grant = { application: client.id, resource: resource.id, scopes: ['read'] };
      const [archived, ...grants] = await Promise.all([
        archive(ask, at(`/resources/${resource.id}`)),
        ...Array.from({ length: 4 }, () => ask('POST', at('/grants'), grant)),
      ]);
      expect(archived.status).toBe(204);
      for (const answer of grants) expect([201, 400]).toContain(answer.status);
      expect(await all(ask, at(`/grants?resource=${resource.id}`))).toEqual([]);
    }
  });

  it('[T4] finishes changes that cross each other', async () => {
    const client = await created(app, at('/applications'), { name: 'x' });
    const resource = await created(app, at('/resources'), soundResource(unique('res')));
    const grant = await created(app, at('/grants'), {
      application: client.id,
      resource: resource.id,
      scopes: ['read', 'write'],
    });
    const any = { 'if-match': '*' };
    const answers = await together(12, (turn) => {
      if (turn % 4 === 0) return ask('PATCH', at(`/grants/${grant.id}`), { scopes: ['read'] }, any);
      if (turn % 4 === 1)
        return ask(
          'PATCH',
          at(`/resources/${resource.id}`),
          { scopes: [{ name: 'read' }, ...(turn % 8 === 1 ? [{ name: 'write' }] : [])] },
          any,
        );
      if (turn % 4 === 2)
        return ask('POST', at('/grants'), { application: client.id, resource: resource.id, scopes: ['read'] });
      return ask('PATCH', at(`/applications/${client.id}`), { name: `name ${turn}` }, any);
    });
    for (const answer of answers) expect([200, 201, 412]).toContain(answer.status);
  });

  it('pages through a list that grows without missing or repeating what was there', async () => {
    const there = (await all(ask, at('/applications'))).map((item) => item.id);
    let growing = true;
    const grow = (async () => {
      for (let turn = 0; growing && turn < 40; turn += 1)
        await ask('POST', at('/applications'), { name: `late ${turn}` });
    })();
    const seen = (await all(ask, at('/applications'), 3)).map((item) => item.id);
    growing = false;
    await grow;
    expect(new Set(seen).size).toBe(seen.length);
    for (const id of there) expect(seen).toContain(id);
  });

  it('[T6] keeps the ledger dense through all of it', async () => {
    const indices = (await all(ask, at('/audit/events'))).map((item) => item.index);
    expect(indices).toEqual(indices.map((_, index) => index));
  });
});
