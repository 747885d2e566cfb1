import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { asSuperuser } from '../support/database.js';
import { call, startTestApp, unique, type TestApp } from '../support/app.js';
import { created, makeZoneOverHttp } from '../support/fixtures.js';

const APPLICATIONS = '/v1/zones/a/applications';

/** draft-ietf-httpapi-idempotency-key-header, and shapes of ours where it leaves a choice. */
describe('Idempotency-Key', () => {
  let app: TestApp;

  beforeAll(async () => {
    app = await startTestApp();
    await makeZoneOverHttp(app, 'a');
    await makeZoneOverHttp(app, 'b');
  });

  afterAll(() => app.close());

  const post = (path: string, body: object, key: string) => app.admin('POST', path, body, { 'idempotency-key': key });
  const named = async (name: string) =>
    (await app.admin('GET', `${APPLICATIONS}?limit=200`)).body.items.filter(
      (item: { name: string }) => item.name === name,
    );

  it('repeats the stored answer for the same body, and makes one object', async () => {
    const key = `"${unique('k')}"`;
    const first = await post(APPLICATIONS, { name: 'once' }, key);
    const again = await post(APPLICATIONS, { name: 'once' }, key);
    expect(first.status).toBe(201);
    expect([again.status, again.body]).toEqual([201, first.body]);
    expect(again.headers.get('etag')).toBe(first.headers.get('etag'));
    expect(await named('once')).toHaveLength(1);
  });

  it('takes the same members in another order for the same body', async () => {
    const key = `"${unique('k')}"`;
    const first = await post(APPLICATIONS, { name: 'order', slug: 'order' }, key);
    const again = await post(APPLICATIONS, { slug: 'order', name: 'order' }, key);
    expect([again.status, again.body.id]).toEqual([201, first.body.id]);
  });

  it('refuses the key for another body with 422', async () => {
    const key = `"${unique('k')}"`;
    await post(APPLICATIONS, { name: 'first' }, key);
    const other = await post(APPLICATIONS, { name: 'second' }, key);
    expect([other.status, other.body.code]).toEqual([422, 'idempotency_key_reused']);
    expect(await named('second')).toEqual([]);
  });

  it('lets exactly one of many at once create', async () => {
    const key = `"${unique('k')}"`;
    const answers = await Promise.all(Array.from({ length: 8 }, () => post(APPLICATIONS, { name: 'race' }, key)));
    expect(await named('race')).toHaveLength(1);
    for (const { status, body } of answers)
      expect(status === 201 || (status === 409 && body.code === 'idempotency_in_progress')).toBe(true);
  });

  it('[T5] repeats an answer that showed a secret without it, and keeps no secret', async () => {
    const application = await created(app, APPLICATIONS, { name: 'secret' });
    const key = `"${unique('k')}"`;
    const path = `${APPLICATIONS}/${application.id}/credentials`;
    const first = await post(path, { type: 'client_secret' }, key);
    const again = await post(path, { type: 'client_secret' }, key);
    expect(first.body.client_secret).toEqual(expect.any(String));
    expect(again.body).toEqual({ ...withoutSecret(first.body), secret_shown: true });
    const kept = await asSuperuser(app.dsn, (client) =>
      client.query('SELECT body::text FROM caracal.idempotency_keys'),
    );
    expect(JSON.stringify(kept.rows)).not.toContain(first.body.client_secret);
  });

  it('leaves the key free after a refusal', async () => {
    const key = `"${unique('k')}"`;
    const refused = await post(APPLICATIONS, { name: '' }, key);
    expect(refused.status).toBe(400);
    expect((await post(APPLICATIONS, { name: 'after' }, key)).status).toBe(201);
  });

  /** As a process leaves a key behind that dies before the answer is kept, a minute later. */
  const abandon = (key: string, requestId?: string) =>
    asSuperuser(app.dsn, (client) =>
      client.query(
        `UPDATE caracal.idempotency_keys SET http_status = NULL, headers = NULL, body = NULL, request_id = coalesce($2, request_id),
                leased_until = now() - interval '1 second' WHERE key = $1`,
        [key.slice(1, -1), requestId],
      ),
    );

  it('[T4] makes no second object when the answer to the first was lost, and says which request made it', async () => {
    const key = `"${unique('k')}"`;
    const first = await post(APPLICATIONS, { name: 'lost' }, key);
    await abandon(key);
    for (let round = 0; round < 2; round += 1) {
      const again = await post(APPLICATIONS, { name: 'lost' }, key);
      expect([again.status, again.body.code]).toEqual([409, 'conflict']);
      expect(again.body.detail).toContain(String(first.headers.get('x-request-id')));
    }
    expect(await named('lost')).toHaveLength(1);
  });

  it('gives a key on whose request changed nothing before its process died', async () => {
    const key = `"${unique('k')}"`;
    await post(APPLICATIONS, { name: 'elsewhere' }, key);
    await abandon(key, unique('req'));
    const again = await post(APPLICATIONS, { name: 'elsewhere' }, key);
    expect(again.status).toBe(201);
    expect((await post(APPLICATIONS, { name: 'elsewhere' }, key)).body).toEqual(again.body);
  });

  it('belongs to one route, one zone and one caller', async () => {
    const key = `"${unique('k')}"`;
    const first = await post(APPLICATIONS, { name: 'mine' }, key);
    const otherZone = await post('/v1/zones/b/applications', { name: 'mine' }, key);
    expect([otherZone.status, otherZone.body.id === first.body.id]).toEqual([201, false]);
    const { token } = await created(app, '/v1/admin-tokens', { name: 'other', capabilities: ['write'] });
    const headers = { authorization: `Bearer ${token}`, 'idempotency-key': key };
    const otherCaller = await call(app.url, { method: 'POST', path: APPLICATIONS, body: { name: 'mine' }, headers });
    expect([otherCaller.status, otherCaller.body.id === first.body.id]).toEqual([201, false]);
  });

  it.each([
    ['unquoted', 'abc'],
    ['empty', '""'],
    ['too long', `"${'x'.repeat(256)}"`],
    ['a list', '"a", "b"'],
    ['not closed', '"abc'],
  ])('refuses a key that is %s (RFC 8941 §3.3.3)', async (_name, key) => {
    const answer = await post(APPLICATIONS, { name: 'x' }, key);
    expect([answer.status, answer.body.errors?.[0]?.field]).toEqual([400, 'Idempotency-Key']);
  });

  it('takes the longest key', async () => {
    expect((await post(APPLICATIONS, { name: 'long' }, `"${'y'.repeat(255)}"`)).status).toBe(201);
  });

  it('may be taken over, with the same body only, when the request that took it is gone', async () => {
    const key = unique('k');
    const insert = `INSERT INTO caracal.idempotency_keys (zone, caller, route, key, body_digest, leased_until, expires_at)
      VALUES ('a', 'admin:bootstrap', 'POST ${APPLICATIONS}', $1, sha256($2), now() - interval '1 second', now() + interval '1 day')`;
    await asSuperuser(app.dsn, (client) => client.query(insert, [key, Buffer.from('{"name":"left"}')]));
    expect((await post(APPLICATIONS, { name: 'other' }, `"${key}"`)).status).toBe(422);
    expect((await post(APPLICATIONS, { name: 'left' }, `"${key}"`)).status).toBe(201);
  });

  it('is waited for while the request that took it may still run', async () => {
    const key = unique('k');
    const insert = `INSERT INTO caracal.idempotency_keys (zone, caller, route, key, body_digest, leased_until, expires_at)
      VALUES ('a', 'admin:bootstrap', 'POST ${APPLICATIONS}', $1, sha256($2), now() + interval '1 minute', now() + interval '1 day')`;
    await asSuperuser(app.dsn, (client) => client.query(insert, [key, Buffer.from('{"name":"runs"}')]));
    const answer = await post(APPLICATIONS, { name: 'runs' }, `"${key}"`);
    expect([answer.status, answer.body.code, answer.headers.get('retry-after')]).toEqual([
      409,
      'idempotency_in_progress',
      '1',
    ]);
  });
});

function withoutSecret({ client_secret: _, ...rest }: Record<string, unknown>): Record<string, unknown> {
  return rest;
}
