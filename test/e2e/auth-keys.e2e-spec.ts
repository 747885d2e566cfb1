import { createLocalJWKSet, jwtVerify } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { AdvanceKeys } from '../../src/auth/jobs/advance-keys.js';
import { asSuperuser } from '../support/database.js';
import { call, startTestApp, unique, type TestApp } from '../support/app.js';
import { openGateway, startUpstream } from '../support/gateway-scene.js';
import { makeApplication, makeZoneOverHttp, oauth, type ApplicationFixture } from '../support/fixtures.js';

interface Key {
  readonly kid: string;
  readonly state: string;
}

describe('signing keys', () => {
  let app: TestApp;
  let zone: string;
  let client: ApplicationFixture;

  beforeAll(async () => {
    app = await startTestApp();
  });

  afterAll(() => app.close());

  beforeEach(async () => {
    zone = unique('zone');
    await makeZoneOverHttp(app, zone);
    client = await makeApplication(app, zone, 'client');
  });

  const keys = async (): Promise<Key[]> => (await app.admin('GET', `/v1/zones/${zone}/keys`)).body.items;
  const inState = async (state: string) => (await keys()).filter((key) => key.state === state).map(({ kid }) => kid);
  const jwks = async (): Promise<Record<string, unknown>[]> =>
    (await call(app.url, { method: 'GET', path: `/z/${zone}/jwks.json` })).body.keys;
  const published = async () => (await jwks()).map(({ kid }) => kid).sort();
  const rotate = (activate?: string) =>
    app.admin('POST', `/v1/zones/${zone}/keys/rotate`, activate === undefined ? undefined : { activate });
  const token = async (): Promise<string> =>
    (await oauth(app.url, `/z/${zone}/oauth2/token`, { grant_type: 'client_credentials' }, client)).body.access_token;
  const kidOf = (jwt: string) => JSON.parse(Buffer.from(jwt.split('.')[0] ?? '', 'base64url').toString()).kid as string;
  const isAccepted = async (jwt: string) =>
    (await call(app.url, { method: 'GET', path: `/z/${zone}/sessions`, headers: { authorization: `Bearer ${jwt}` } }))
      .status === 200;
  const age = (seconds: number) =>
    asSuperuser(app.dsn, (database) =>
      database.query(
        `UPDATE caracal.signing_keys SET published_at = published_at - make_interval(secs => $2), retiring_at = retiring_at - make_interval(secs => $2),
        activate_after = activate_after - make_interval(secs => $2) WHERE zone = $1`,
        [zone, seconds],
      ),
    );
  const advance = () => app.running.app.get(AdvanceKeys, { strict: false }).run();

  it('a new zone has one that signs and one that is published to sign next', async () => {
    expect((await keys()).map(({ state }) => state).sort()).toEqual(['active', 'next']);
    expect(await published()).toEqual((await keys()).map(({ kid }) => kid).sort());
    expect(kidOf(await token())).toBe((await inState('active'))[0]);
  });

  it('[T5] shows public halves only', async () => {
    for (const key of await jwks()) {
      expect(key).toMatchObject({ kty: 'EC', crv: 'P-256', alg: 'ES256', use: 'sig' });
      expect(Object.keys(key).sort()).toEqual(['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y']);
    }
    expect(Object.keys((await keys())[0] ?? {})).not.toContain('private_sealed');
  });

  it('a rotation waits until every verifier can know the next key, and happens by itself then', async () => {
    const [next] = await inState('next');
    const scheduled = await rotate();
    expect([scheduled.status, scheduled.body.promoted]).toEqual([202, false]);
    expect(Date.parse(scheduled.body.activate_after)).toBeGreaterThan(Date.now());
    await advance();
    expect(await inState('next')).toEqual([next]);
    await age(301);
    await advance();
    expect(await inState('active')).toEqual([next]);
    expect(kidOf(await token())).toBe(next);
  });

  it('a rotation promotes a key that has been public for long enough at once', async () => {
    const [next] = await inState('next');
    await age(301);
    const rotated = await rotate('when_published');
    expect([rotated.status, rotated.body.promoted]).toEqual([200, true]);
    expect(await inState('active')).toEqual([next]);
  });

  it('never fails a verifier that holds a warm JWKS, over three rotations', async () => {
    for (let round = 0; round < 3; round += 1) {
      // Fetched before the rotation and not again: what a verifier has for as long as the JWKS may be cached.
      const warm = createLocalJWKSet({ keys: await jwks() });
      const verify = async (jwt: string): Promise<string | undefined> =>
        (await jwtVerify(jwt, warm, { issuer: `${app.url}/z/${zone}`, typ: 'at+jwt' })).protectedHeader.kid;
      const before = await token();
      await age(301);
      expect((await rotate()).body.promoted).toBe(true);
      const after = await token();
      expect(await verify(before)).not.toBe(await verify(after));
      const fresh = createLocalJWKSet({ keys: await jwks() });
      await jwtVerify(before, fresh);
    }
  });

  it('takes over by itself when its predecessor has signed for its period', async () => {
    const [active] = await inState('active');
    const [next] = await inState('next');
    const grow = (days: number): Promise<unknown> =>
      asSuperuser(app.dsn, (database) =>
        database.query(
          'UPDATE caracal.signing_keys SET activated_at = activated_at - make_interval(days => $2) WHERE zone = $1',
          [zone, days],
        ),
      );
    await grow(89);
    await age(301);
    await advance();
    expect(await inState('active')).toEqual([active]);
    await grow(1);
    await Promise.all([advance(), advance()]);
    expect(await inState('active')).toEqual([next]);
    expect(await inState('retiring')).toEqual([active]);
    const found = await app.admin('GET', `/v1/zones/${zone}`);
    const tag = { 'if-match': found.headers.get('etag') ?? '' };
    expect((await app.admin('PATCH', `/v1/zones/${zone}`, { key_rotation_days: 7 }, tag)).status).toBe(200);
    await grow(7);
    await advance();
    // Its next key is not known to every verifier yet: the rotation is scheduled.
    expect(await inState('active')).toEqual([next]);
    await age(301);
    await advance();
    expect(await inState('active')).not.toEqual([next]);
  });

  it('what the old key signed stays good until it expires; then the key goes', async () => {
    const before = await token();
    const [old] = await inState('active');
    expect((await rotate('now')).status).toBe(200);
    expect(await inState('retiring')).toEqual([old]);
    expect(kidOf(await token())).not.toBe(old);
    expect(await isAccepted(before)).toBe(true);
    await age(3_700);
    await advance();
    expect(await inState('retired')).toEqual([old]);
    expect(await published()).not.toContain(old);
    expect(await isAccepted(before)).toBe(false);
  });

  it('[T2] a revoked key is out of the JWKS and its tokens are refused at once, while the zone signs on', async () => {
    const before = await token();
    expect(await isAccepted(before)).toBe(true);
    const [active = ''] = await inState('active');
    const [next] = await inState('next');
    const revoked = await app.admin('POST', `/v1/zones/${zone}/keys/${active}/revoke`, { reason: 'leaked' });
    expect([revoked.status, revoked.body.state]).toEqual([200, 'revoked']);
    expect(await isAccepted(before)).toBe(false);
    expect(await published()).not.toContain(active);
    expect(await inState('active')).toEqual([next]);
    expect(await isAccepted(await token())).toBe(true);
    expect((await app.admin('POST', `/v1/zones/${zone}/keys/${active}/revoke`)).status).toBe(200);
  });

  it('[T3] a revoked key cuts the answers that are open under it', async () => {
    const endless = await startUpstream((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('data: one\n\n');
    });
    try {
      const gateway = await openGateway(app, { upstream: endless.url });
      const mandate = await gateway.mandate();
      const open = await gateway.get('/', { token: mandate });
      expect(open.status).toBe(200);
      await app.admin('POST', `/v1/zones/${gateway.scene.zone}/keys/${kidOf(mandate)}/revoke`, { reason: 'leaked' });
      await expect(open.text()).rejects.toThrow();
      expect((await gateway.get('/', { token: mandate })).status).toBe(401);
    } finally {
      await endless.close();
    }
  });

  it('a revoked next key is replaced', async () => {
    const [next = ''] = await inState('next');
    await app.admin('POST', `/v1/zones/${zone}/keys/${next}/revoke`, {});
    expect((await keys()).map(({ state }) => state).sort()).toEqual(['active', 'next', 'revoked']);
  });

  it.each([
    ['nonsense', 'rotate', { activate: 'tomorrow' }, 400],
    ['an unknown key', 'nope/revoke', {}, 404],
  ])('refuses %s', async (_name, path, body, status) => {
    expect((await app.admin('POST', `/v1/zones/${zone}/keys/${path}`, body)).status).toBe(status);
  });

  it('are not found through another zone', async () => {
    const [active = ''] = await inState('active');
    const other = unique('zone');
    await makeZoneOverHttp(app, other);
    expect((await app.admin('POST', `/v1/zones/${other}/keys/${active}/revoke`)).status).toBe(404);
  });

  it('rotations and revocations are in the zone’s ledger', async () => {
    await rotate('now');
    const types = (await app.admin('GET', `/v1/zones/${zone}/audit/events?limit=200`)).body.items.map(
      (item: { entry: { type: string } }) => item.entry.type,
    );
    expect(types).toEqual(expect.arrayContaining(['admin.keys.rotate', 'key.rotated']));
  });
});
