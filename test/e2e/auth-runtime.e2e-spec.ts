import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { call, startTestApp, type TestApp } from '../support/app.js';
import { makeApplication, makeZoneOverHttp, oauth, type ApplicationFixture } from '../support/fixtures.js';

describe('runtime tokens', () => {
  let app: TestApp;
  let client: ApplicationFixture;
  let application: string;
  let session: { id: string; session_token: string };

  beforeAll(async () => {
    app = await startTestApp();
    for (const zone of ['a', 'b']) await makeZoneOverHttp(app, zone);
    client = await makeApplication(app, 'a', 'client');
    application = await tokenOf(client);
    session = (await runtime(application, 'POST', '/z/a/sessions', { lifecycle: 'task' })).body;
  });

  afterAll(() => app.close());

  const tokenOf = async (of: ApplicationFixture): Promise<string> =>
    (await oauth(app.url, '/z/a/oauth2/token', { grant_type: 'client_credentials' }, of)).body.access_token;
  const runtime = (token: string, method: string, path: string, body?: unknown) =>
    call(app.url, { method, path, body, headers: { authorization: `Bearer ${token}` } });
  const read = (token: string, zone = 'a') => runtime(token, 'GET', `/z/${zone}/sessions/${session.id}`);

  it('application and session tokens are accepted in their zone', async () => {
    expect((await read(application)).status).toBe(200);
    expect((await read(session.session_token)).status).toBe(200);
  });

  it('[T2] are refused in another zone, and a zone that is not there has nothing', async () => {
    const foreign = await read(application, 'b');
    expect([foreign.status, foreign.body.code]).toEqual([401, 'invalid_token']);
    expect((await read(application, 'nowhere')).status).toBe(404);
    expect((await read(application, '_system')).status).toBe(404);
  });

  it('[T2] are refused as DPoP tokens without being bound (RFC 9449 §7.1)', async () => {
    const answer = await call(app.url, {
      method: 'GET',
      path: `/z/a/sessions/${session.id}`,
      headers: { authorization: `DPoP ${application}` },
    });
    expect([answer.status, answer.body.code]).toEqual([401, 'invalid_token']);
  });

  it.each([
    [
      'a changed signature',
      (token: string) => token.slice(0, -8) + (token.endsWith('AAAAAAAA') ? 'BBBBBBBB' : 'AAAAAAAA'),
    ],
    ['no signature', (token: string) => token.split('.').slice(0, 2).join('.') + '.'],
    [
      'alg none',
      (token: string) =>
        `${Buffer.from('{"alg":"none","typ":"at+jwt","kid":"x"}').toString('base64url')}.${token.split('.')[1]}.`,
    ],
    ['a cut end', (token: string) => token.slice(0, -1)],
  ])('[T2] are refused with %s', async (_name, spoil) => {
    const answer = await read(spoil(application));
    expect([answer.status, answer.body.code]).toEqual([401, 'invalid_token']);
    expect(answer.headers.get('www-authenticate')).toBe(`Bearer realm="${app.url}/z/a", error="invalid_token"`);
  });

  it('[T2] an ended session’s token is refused, the application’s is not', async () => {
    const other = (await runtime(application, 'POST', '/z/a/sessions', { lifecycle: 'task' })).body;
    expect((await runtime(application, 'POST', `/z/a/sessions/${other.id}/terminate`, {})).status).toBe(200);
    expect((await runtime(other.session_token, 'GET', `/z/a/sessions/${other.id}`)).status).toBe(401);
    expect((await read(application)).status).toBe(200);
  });

  it('[T2] a killed zone refuses every runtime token; restored, it revives none', async () => {
    const victim = await makeApplication(app, 'b', 'victim');
    const token = (await oauth(app.url, '/z/b/oauth2/token', { grant_type: 'client_credentials' }, victim)).body
      .access_token as string;
    const list = () => runtime(token, 'GET', '/z/b/sessions');
    expect((await list()).status).toBe(200);
    expect((await app.admin('POST', '/v1/zones/b/kill', {})).status).toBe(200);
    expect((await list()).status).toBe(401);
    expect((await app.admin('POST', '/v1/zones/b/restore', {})).status).toBe(200);
    expect((await list()).status).toBe(401);
  });

  it('[T5] never appear in the log', () => {
    expect(app.logs()).not.toContain(application.slice(0, 60));
    expect(app.logs()).not.toContain(session.session_token.split('.')[2]);
  });
});
