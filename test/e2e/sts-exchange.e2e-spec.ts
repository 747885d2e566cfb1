import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startTestApp, type TestApp } from '../support/app.js';
import {
  ACCESS_TOKEN,
  claimsOf,
  created,
  OAuthScene,
  ok,
  type SceneClient,
  type SceneResource,
} from '../support/oauth-scene.js';

let app: TestApp;
let scene: OAuthScene;
let client: SceneClient;
let calendar: SceneResource;
let mail: SceneResource;
let applicationToken: string;

beforeAll(async () => {
  app = await startTestApp();
  scene = await OAuthScene.open(app);
  client = await scene.client({ allowed_labels: ['ops'] });
  calendar = await scene.resource(['read', 'write', 'admin']);
  mail = await scene.resource(['read', 'send']);
  await scene.grant(client, calendar, ['read', 'write']);
  await scene.grant(client, calendar, ['admin'], { label: 'ops' });
  await scene.grant(client, mail, ['read', 'send']);
  applicationToken = await scene.applicationToken(client);
});

afterAll(() => app.close());

describe('token exchange (RFC 8693 §2)', () => {
  it('an application token: a mandate without session, dying with the token it came from', async () => {
    const answer = ok(
      await scene.exchange(client, applicationToken, { resource: calendar.gateway_url, scope: 'read' }),
    );
    expect(answer).toMatchObject({
      issued_token_type: ACCESS_TOKEN,
      token_type: 'Bearer',
      expires_in: 300,
      scope: 'read',
      receipt: { zone: scene.zone },
    });
    const claims = claimsOf(answer.access_token);
    const subject = claimsOf(applicationToken);
    expect(claims).toMatchObject({
      aud: calendar.gateway_url,
      scope: 'read',
      sub: `app:${client.id}`,
      ptk: [subject['jti']],
      txn: subject['txn'],
    });
  });

  it('a session token: sid and ptk of session and application token', async () => {
    const session = await scene.session(applicationToken);
    const answer = ok(await scene.exchange(client, session.session_token, { resource: calendar.gateway_url }));
    const claims = claimsOf(answer.access_token);
    expect(answer.scope).toBe('read write');
    expect(claims).toMatchObject({ sid: session.id, sub: `app:${client.id}`, sub_type: 'application' });
    expect(claims['ptk']).toEqual(
      expect.arrayContaining([claimsOf(session.session_token)['jti'], claimsOf(applicationToken)['jti']]),
    );
    expect(claims).not.toHaveProperty('act');
  });

  it('a labelled grant opens to sessions with the label only', async () => {
    const labelled = await scene.session(applicationToken, { labels: ['ops'] });
    expect(ok(await scene.exchange(client, labelled.session_token, { resource: calendar.gateway_url })).scope).toBe(
      'admin read write',
    );
    const plain = await scene.session(applicationToken);
    expect(
      (await scene.exchange(client, plain.session_token, { resource: calendar.gateway_url, scope: 'admin' })).body
        .error,
    ).toBe('invalid_scope');
  });

  it('several gateway resources: one mandate for exactly these, each scope at each of them (§2.1.1)', async () => {
    const resource = [calendar.gateway_url, mail.identifier];
    const answer = ok(await scene.exchange(client, applicationToken, { resource }));
    expect(answer.scope).toBe('read');
    expect(claimsOf(answer.access_token)['aud']).toEqual([calendar.gateway_url, mail.gateway_url]);
    expect((await scene.exchange(client, applicationToken, { resource, scope: 'read send' })).body.error).toBe(
      'invalid_scope',
    );
  });

  it('[T2] a token with scope bounds what it is exchanged for', async () => {
    const narrow = await scene.applicationToken(client, { scope: 'read' });
    expect(ok(await scene.exchange(client, narrow, { resource: calendar.gateway_url })).scope).toBe('read');
    expect((await scene.exchange(client, narrow, { resource: calendar.gateway_url, scope: 'write' })).body.error).toBe(
      'invalid_scope',
    );
  });

  it('[T2] lives no longer than the token it came from', async () => {
    const short = await scene.applicationToken(client, { lifetime: '20' });
    const answer = ok(await scene.exchange(client, short, { resource: calendar.gateway_url, lifetime: '600' }));
    expect(claimsOf(answer.access_token)['exp']).toBeLessThanOrEqual(claimsOf(short)['exp'] as number);
  });

  const refused: [string, Record<string, string | string[]>, string][] = [
    ['no resource and no audience', {}, 'invalid_target'],
    ['an unknown resource', { resource: 'https://nowhere.example' }, 'invalid_target'],
    ['an unknown audience', { audience: 'nowhere' }, 'invalid_target'],
    ['no subject token', { subject_token: '' }, 'invalid_request'],
    ['no subject token type', { subject_token_type: '' }, 'invalid_request'],
    ['another subject token type', { subject_token_type: 'urn:ietf:params:oauth:token-type:jwt' }, 'invalid_request'],
    [
      'another requested type',
      { requested_token_type: 'urn:ietf:params:oauth:token-type:refresh_token' },
      'invalid_request',
    ],
    ['an actor token without its type', { actor_token: 'x' }, 'invalid_request'],
    ['an actor token type without token', { actor_token_type: ACCESS_TOKEN }, 'invalid_request'],
    ['nonsense as subject token', { subject_token: 'a.b.c' }, 'invalid_request'],
    ['a lifetime above the cap', { lifetime: '901' }, 'invalid_request'],
    ['a delegation to no session', { delegation: 'del_018f2f6e-7b3a-7c41-9d2e-0123456789ab' }, 'invalid_request'],
    ['two subject tokens', { subject_token: ['a', 'b'] }, 'invalid_request'],
  ];
  it.each(refused)('[T2] refuses %s', async (...[name, fields, error]) => {
    const target = name.includes('resource') || name.includes('audience') ? {} : { resource: calendar.gateway_url };
    const answer = await scene.exchange(client, applicationToken, { ...target, ...fields });
    expect([answer.status, answer.body.error]).toEqual([400, error]);
  });

  it('[T2] a mandate is neither subject nor actor', async () => {
    const mandate = ok(await scene.exchange(client, applicationToken, { resource: calendar.gateway_url }))
      .access_token as string;
    const resource = calendar.gateway_url;
    expect((await scene.exchange(client, mandate, { resource })).body.error).toBe('invalid_request');
    const actor = { actor_token: mandate, actor_token_type: ACCESS_TOKEN };
    expect((await scene.exchange(client, applicationToken, { resource, ...actor })).body.error).toBe('invalid_request');
  });

  it('[T2] another application’s token is never a subject, and every bad token has one body', async () => {
    const other = await scene.client();
    await scene.grant(other, calendar, ['read']);
    const foreign = await scene.exchange(other, applicationToken, { resource: calendar.gateway_url });
    const tampered = await scene.exchange(client, `${applicationToken.slice(0, -4)}AAAA`, {
      resource: calendar.gateway_url,
    });
    expect(foreign.status).toBe(400);
    expect(tampered.body).toEqual(foreign.body);
  });

  it('[T2] a token of another zone is refused', async () => {
    const elsewhere = await OAuthScene.open(app);
    const theirs = await elsewhere.applicationToken(await elsewhere.client());
    expect((await scene.exchange(client, theirs, { resource: calendar.gateway_url })).body.error).toBe(
      'invalid_request',
    );
  });

  it('[T2] exchange needs client authentication: the token alone is not enough', async () => {
    const fields = {
      grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
      subject_token: applicationToken,
      subject_token_type: ACCESS_TOKEN,
      resource: calendar.gateway_url,
    };
    const answer = await scene.oauth('token', fields);
    expect([answer.status, answer.body.error]).toEqual([401, 'invalid_client']);
  });
});

describe('actor tokens (RFC 8693 §2.1)', () => {
  it('an application token as subject and a session’s as actor: the session acts', async () => {
    const session = await scene.session(applicationToken);
    const actor = { actor_token: session.session_token, actor_token_type: ACCESS_TOKEN };
    const answer = ok(await scene.exchange(client, applicationToken, { resource: calendar.gateway_url, ...actor }));
    expect(claimsOf(answer.access_token)).toMatchObject({ sid: session.id });
  });

  it('a parent’s token as subject and its child’s as actor: the child acts', async () => {
    const parent = await scene.session(applicationToken);
    const child = await scene.session(parent.session_token);
    const actor = { actor_token: child.session_token, actor_token_type: ACCESS_TOKEN };
    const answer = ok(await scene.exchange(client, parent.session_token, { resource: calendar.gateway_url, ...actor }));
    expect(claimsOf(answer.access_token)).toMatchObject({ sid: child.id });
  });

  it('[T2] a session does not act for another one that passed it nothing', async () => {
    const [one, two] = [await scene.session(applicationToken), await scene.session(applicationToken)];
    const actor = { actor_token: two.session_token, actor_token_type: ACCESS_TOKEN };
    expect(
      (await scene.exchange(client, one.session_token, { resource: calendar.gateway_url, ...actor })).body.error,
    ).toBe('invalid_request');
  });
});

describe('narrowed children', () => {
  it('[T2] hold what was passed to them and no more, and say by which edge', async () => {
    const parent = await scene.session(applicationToken);
    const authority = { narrow: { resources: [{ resource: calendar.identifier, scopes: ['read'] }] } };
    const child = await scene.session(parent.session_token, { authority });
    const answer = ok(await scene.exchange(client, child.session_token, { resource: calendar.gateway_url }));
    expect(answer.scope).toBe('read');
    expect(claimsOf(answer.access_token)).toMatchObject({
      sid: child.id,
      dep: 1,
      dlg: expect.stringMatching(/^del_/) as unknown,
      act: { sid: child.id, act: { sid: parent.id } },
    });
    expect(
      (await scene.exchange(client, child.session_token, { resource: calendar.gateway_url, scope: 'write' })).body
        .error,
    ).toBe('invalid_scope');
    expect((await scene.exchange(client, child.session_token, { resource: mail.gateway_url })).body.error).toBe(
      'invalid_target',
    );
  });

  it('[T2] a child with no authority holds nothing', async () => {
    const parent = await scene.session(applicationToken);
    const child = await scene.session(parent.session_token, { authority: 'none' });
    expect((await scene.exchange(client, child.session_token, { resource: calendar.gateway_url })).body.error).toBe(
      'invalid_target',
    );
  });

  it('[T2] an inheriting grandchild of a narrowed child holds no more than it', async () => {
    const parent = await scene.session(applicationToken);
    const authority = { narrow: { resources: [{ resource: calendar.identifier, scopes: ['read'] }] } };
    const child = await scene.session(parent.session_token, { authority });
    const grandchild = await scene.session(child.session_token);
    expect(ok(await scene.exchange(client, grandchild.session_token, { resource: calendar.gateway_url })).scope).toBe(
      'read',
    );
  });
});

describe('revocation reaches exchange at once', () => {
  it('[T2] a terminated parent ends its child’s exchanges', async () => {
    const parent = await scene.session(applicationToken);
    const child = await scene.session(parent.session_token);
    expect((await scene.exchange(client, child.session_token, { resource: calendar.gateway_url })).status).toBe(200);
    expect((await scene.runtime('POST', `/sessions/${parent.id}/terminate`, applicationToken, {})).status).toBe(200);
    expect((await scene.exchange(client, child.session_token, { resource: calendar.gateway_url })).body.error).toBe(
      'invalid_request',
    );
  });

  it('[T2] a suspended session’s token is refused as subject', async () => {
    const session = await scene.session(applicationToken);
    expect((await scene.runtime('POST', `/sessions/${session.id}/suspend`, applicationToken, {})).status).toBe(200);
    expect((await scene.exchange(client, session.session_token, { resource: calendar.gateway_url })).body.error).toBe(
      'invalid_request',
    );
  });

  it('[T2] revoking a token by administration ends what it could be exchanged for', async () => {
    const token = await scene.applicationToken(client);
    created(await scene.admin('POST', '/revocations', { kind: 'token', id: claimsOf(token)['jti'], reason: 'test' }));
    expect((await scene.exchange(client, token, { resource: calendar.gateway_url })).body.error).toBe(
      'invalid_request',
    );
  });

  it('[T2] a withdrawn grant is gone for the next exchange', async () => {
    const who = await scene.client();
    const grant = await scene.grant(who, calendar, ['read']);
    const token = await scene.applicationToken(who);
    expect((await scene.exchange(who, token, { resource: calendar.gateway_url })).status).toBe(200);
    const { headers } = await scene.admin('GET', `/grants/${grant}`);
    const removed = await scene.admin('DELETE', `/grants/${grant}`, undefined, {
      'if-match': headers.get('etag') ?? '*',
    });
    expect([200, 204]).toContain(removed.status);
    expect((await scene.exchange(who, token, { resource: calendar.gateway_url })).body.error).toBe('invalid_target');
  });
});

describe('[T6] the ledger', () => {
  it('has one allow per token, at the index of the receipt, and one deny per refusal', async () => {
    const allowed = ok(
      await scene.exchange(client, applicationToken, { resource: calendar.gateway_url, scope: 'read' }),
    );
    const jti = claimsOf(allowed.access_token)['jti'] as string;
    const [entry, ...more] = await scene.entries(`type=exchange&jti=${jti}`);
    expect(more).toEqual([]);
    expect(entry?.index).toBe(allowed.receipt.index);
    expect(entry?.entry).toMatchObject({
      decision: 'allow',
      application: client.id,
      resource: calendar.identifier,
      scopes: ['read'],
      policy: { version: 0, determining: ['default'] },
      actor: { kind: 'agent', id: client.id },
    });
    const who = await scene.client();
    const token = await scene.applicationToken(who);
    await scene.exchange(who, token, { resource: calendar.gateway_url });
    const denials = await scene.entries(`type=exchange&decision=deny&application=${who.id}`);
    expect(denials.map(({ entry: denial }) => denial)).toMatchObject([
      { reasons: ['invalid_target'], resource: calendar.identifier },
    ]);
  });

  it('every refusal says under which policies it was made, whatever refused it', async () => {
    const subject = await scene.applicationToken(client);
    await scene.exchange(client, subject, { resource: 'https://nowhere.example' });
    await scene.exchange({ ...client, secret: 'wrong' }, subject, {});
    for (const type of ['exchange', 'client_auth']) {
      const refused = (await scene.entries(`type=${type}&decision=deny`)).at(-1);
      expect(refused?.entry).toMatchObject({ decision: 'deny', policy: { version: 0 } });
      expect(refused?.entry['reasons']).toHaveLength(1);
    }
  });

  it('[T5] holds no byte of any token', async () => {
    const session = await scene.session(applicationToken);
    await scene.exchange(client, session.session_token, { resource: calendar.gateway_url });
    const text = JSON.stringify(await scene.entries('type=exchange'));
    for (const token of [applicationToken, session.session_token]) expect(text).not.toContain(token.split('.')[2]);
    expect(text).not.toContain(client.secret);
  });
});
