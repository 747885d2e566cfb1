import { generateKeyPairSync } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startTestApp, unique, type TestApp } from '../support/app.js';
import { administrator, all, type Asker } from '../support/administration.js';
import { asSuperuser } from '../support/database.js';
import { created, makeZoneOverHttp, oauth } from '../support/fixtures.js';

describe('credentials of applications', () => {
  let app: TestApp;
  let ask: Asker;
  const zone = unique('zone');

  beforeAll(async () => {
    app = await startTestApp();
    ask = app.admin;
    await makeZoneOverHttp(app, zone);
  });

  afterAll(() => app.close());

  const application = async (): Promise<{ id: string; path: string }> => {
    const { id } = await created(app, `/v1/zones/${zone}/applications`, { name: 'agent' });
    return { id, path: `/v1/zones/${zone}/applications/${id}/credentials` };
  };
  const authenticates = async (id: string, secret: string): Promise<boolean> =>
    (await oauth(app.url, `/z/${zone}/oauth2/token`, { grant_type: 'client_credentials' }, { id, secret })).status ===
    200;

  it('[T5] show a secret once, keep only its MAC, and log it nowhere', async () => {
    const { id, path } = await application();
    const answer = await ask('POST', path, { type: 'client_secret' });
    expect(answer.status).toBe(201);
    expect(answer.headers.get('cache-control')).toContain('no-store');
    const { client_secret: secret, ...rest } = answer.body;
    expect(secret).toMatch(/^ccs_[0-9A-Za-z]{49}$/);
    expect(await authenticates(id, secret)).toBe(true);
    expect((await ask('GET', `${path}/${answer.body.id}`)).body).toEqual(rest);
    expect(await all(ask, path)).toEqual([rest]);
    const rows = await asSuperuser(app.dsn, (client) =>
      client.query('SELECT * FROM caracal.credentials WHERE id = $1', [answer.body.id]),
    );
    expect(rows.rows[0].secret_mac.length).toBe(32);
    expect(JSON.stringify(rows.rows)).not.toContain(secret);
    expect(app.logs()).not.toContain(secret);
    const ledger = await ask('GET', `/v1/zones/${zone}/audit/events?type=admin.credentials.create&limit=200`);
    expect(JSON.stringify(ledger.body)).not.toContain(secret);
  });

  it('[T5] repeat a creation without the secret', async () => {
    const { path } = await application();
    const key = { 'idempotency-key': `"${unique('key')}"` };
    const first = await ask('POST', path, { type: 'client_secret' }, key);
    const again = await ask('POST', path, { type: 'client_secret' }, key);
    const { client_secret: secret, ...rest } = first.body;
    expect([first.status, again.status]).toEqual([201, 201]);
    expect(again.body).toEqual({ ...rest, secret_shown: true });
    expect((await all(ask, path)).length).toBe(1);
    const stored = await asSuperuser(app.dsn, (client) => client.query('SELECT * FROM caracal.idempotency_keys'));
    expect(JSON.stringify(stored.rows)).not.toContain(secret);
    expect((await ask('POST', path, { type: 'jwks' }, key)).body.code).toBe('idempotency_key_reused');
  });

  it('live two at once for rotation, and no third', async () => {
    const { id, path } = await application();
    const [one, two] = [
      await created(app, path, { type: 'client_secret' }),
      await created(app, path, { type: 'client_secret' }),
    ];
    const third = await ask('POST', path, { type: 'client_secret' });
    expect([third.status, third.body.code]).toEqual([409, 'conflict']);
    expect(await authenticates(id, one.client_secret)).toBe(true);
    expect(await authenticates(id, two.client_secret)).toBe(true);
    expect((await ask('DELETE', `${path}/${one.id}`)).status).toBe(204);
    expect(await authenticates(id, one.client_secret)).toBe(false);
    expect(await authenticates(id, two.client_secret)).toBe(true);
    expect((await ask('POST', path, { type: 'client_secret' })).status).toBe(201);
  });

  it('[T2] are gone once removed, and what was obtained with them is refused', async () => {
    const { id, path } = await application();
    const credential = await created(app, path, { type: 'client_secret' });
    const client = { id, secret: credential.client_secret };
    const { body } = await oauth(app.url, `/z/${zone}/oauth2/token`, { grant_type: 'client_credentials' }, client);
    expect((await ask('DELETE', `${path}/${credential.id}`)).status).toBe(204);
    expect((await ask('DELETE', `${path}/${credential.id}`)).status).toBe(404);
    expect((await ask('GET', `${path}/${credential.id}`)).status).toBe(404);
    expect(await all(ask, path)).toEqual([]);
    const session = await fetch(`${app.url}/z/${zone}/sessions`, {
      headers: { authorization: `Bearer ${body.access_token}` },
    });
    expect(session.status).toBe(401);
  });

  it('stop authenticating when they expire', async () => {
    const { id, path } = await application();
    const past = await ask('POST', path, { type: 'client_secret', expires_at: '2001-01-01T00:00:00Z' });
    expect([past.status, past.body.errors[0].field]).toEqual([400, 'expires_at']);
    const lasting = await created(app, path, { type: 'client_secret' });
    const expiring = await created(app, path, {
      type: 'client_secret',
      expires_at: new Date(Date.now() + 1_000).toISOString(),
    });
    expect(expiring.expires_at).toBeDefined();
    while (await authenticates(id, expiring.client_secret)) await new Promise((resolve) => setTimeout(resolve, 50));
    expect(await authenticates(id, lasting.client_secret)).toBe(true);
  });

  it('hold public keys, addresses of key sets, SPIFFE ids and certificate names as registered', async () => {
    const { path } = await application();
    const jwk = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' });
    for (const body of [
      { type: 'jwks', jwks: { keys: [{ ...jwk, kid: '1' }] } },
      { type: 'jwks_uri', jwks_uri: 'https://127.0.0.1:9/jwks.json' },
      { type: 'spiffe', spiffe_id: 'spiffe://example.org/agents/a' },
      { type: 'certificate', tls_client_auth_san_dns: 'agent.example' },
    ]) {
      const made = await created(app, path, body);
      expect(made).toMatchObject(body);
      expect(made).not.toHaveProperty('client_secret');
    }
  });

  it.each<[string, object, string]>([
    ['no type', {}, 'type'],
    ['an unknown type', { type: 'password' }, 'type'],
    ['a secret of the caller', { type: 'client_secret', client_secret: 'mine' }, 'client_secret'],
    ['keys beside a secret', { type: 'client_secret', jwks: { keys: [] } }, 'jwks'],
    ['a key set without keys', { type: 'jwks', jwks: { keys: [] } }, 'jwks.keys'],
    [
      '[T5] a private key',
      {
        type: 'jwks',
        jwks: { keys: [generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' })] },
      },
      'jwks.keys.0',
    ],
    ['a key set with NUL', { type: 'jwks', jwks: { keys: [], note: '\u0000' } }, 'jwks.note'],
    ['a key set over plain http', { type: 'jwks_uri', jwks_uri: 'http://127.0.0.1:9' }, 'jwks_uri'],
    ['a bad SPIFFE id', { type: 'spiffe', spiffe_id: 'spiffe://EXAMPLE/a' }, 'spiffe_id'],
  ])('refuse %s', async (_, body, field) => {
    const { path } = await application();
    const answer = await ask('POST', path, body);
    expect([answer.status, answer.body.errors.map((fault: { field: string }) => fault.field)]).toEqual([400, [field]]);
  });

  it('[T3] refuse an address of keys that may not be reached', async () => {
    const { path } = await application();
    const answer = await ask('POST', path, { type: 'jwks_uri', jwks_uri: 'https://169.254.169.254/jwks' });
    expect([answer.status, answer.body.code]).toEqual([400, 'egress_denied']);
  });

  it('[T1] of another application or zone are unknown', async () => {
    const [mine, other] = [await application(), await application()];
    const credential = await created(app, other.path, { type: 'client_secret' });
    const second = unique('zone');
    await makeZoneOverHttp(app, second);
    const bound = await administrator(app, ['write'], [second]);
    for (const [who, path] of [
      [ask, `${mine.path}/${credential.id}`],
      [ask, `/v1/zones/${second}/applications/${other.id}/credentials/${credential.id}`],
      [bound, `${other.path}/${credential.id}`],
    ] as const) {
      for (const method of ['GET', 'DELETE'])
        expect([method, path, (await who(method, path)).status]).toEqual([method, path, 404]);
    }
    expect((await ask('GET', `/v1/zones/${second}/applications/${other.id}/credentials`)).status).toBe(404);
    expect(
      (await ask('POST', `/v1/zones/${second}/applications/${other.id}/credentials`, { type: 'client_secret' })).status,
    ).toBe(404);
    expect((await ask('GET', `${other.path}/${credential.id}`)).status).toBe(200);
  });
});
