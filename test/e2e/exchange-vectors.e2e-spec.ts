import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { startTestApp, type TestApp } from '../support/app.js';
import {
  ACCESS_TOKEN,
  basic,
  claimsOf,
  created,
  encode,
  EXCHANGE,
  OAuthScene,
  ok,
  type SceneClient,
} from '../support/oauth-scene.js';
import { SubjectIssuer } from '../support/subject-issuer.js';

interface Expectation {
  readonly status: number;
  readonly error?: string;
  readonly scope?: string;
  readonly aud?: string | readonly string[];
  readonly sub?: string;
  readonly sid?: string;
  /** The client that acts. */
  readonly act?: string;
  readonly seconds?: number;
  readonly details?: readonly object[];
  readonly absent?: readonly string[];
}

interface Vector {
  readonly name: string;
  readonly form: Readonly<Record<string, string | readonly string[]>>;
  readonly expect: Expectation;
  /** Whether the type of the subject token is added. */
  readonly types?: boolean;
  readonly actorType?: boolean;
  readonly append?: readonly (readonly [string, string])[];
  /** Bytes after the form, as often as it is said. */
  readonly tail?: string;
  readonly repeatTail?: number;
  readonly contentType?: string;
  readonly query?: string;
  readonly client?: 'other' | 'wrong' | null;
}

interface WorldResource {
  readonly scopes: readonly string[];
  readonly granted: readonly string[];
  readonly enforcement?: string;
  readonly single_use?: boolean;
  readonly details?: readonly object[];
}

const { world, vectors } = JSON.parse(readFileSync(new URL('../vectors/exchange.json', import.meta.url), 'utf8')) as {
  world: { resources: Record<string, WorldResource> };
  vectors: readonly Vector[];
};

const names = new Map<string, string>();
let app: TestApp;
let issuer: SubjectIssuer;
let scene: OAuthScene;
let agent: SceneClient;
let other: SceneClient;

beforeAll(async () => {
  app = await startTestApp();
  issuer = await SubjectIssuer.start();
  scene = await OAuthScene.open(app);
  agent = await scene.client();
  other = await scene.client();
  names.set('agent', agent.id).set('as', scene.issuer);
  names.set(
    'issuer',
    created(await scene.admin('POST', '/subject-issuers', { issuer: issuer.url, audience: 'caracal' })).id,
  );
  for (const [name, resource] of Object.entries(world.resources)) await makeResource(name, resource);
  await makeTokens();
});

afterAll(async () => {
  await app.close();
  await issuer.close();
});

async function makeResource(
  name: string,
  { scopes, granted, enforcement, single_use, details }: WorldResource,
): Promise<void> {
  const direct =
    enforcement === 'direct'
      ? { enforcement, upstream_url: undefined, operations: undefined, provider: undefined }
      : {};
  const members = {
    ...direct,
    ...(single_use ? { single_use } : {}),
    ...(details ? { authorization_details_types: details } : {}),
  };
  const resource = await scene.resource(scopes, members);
  names.set(`${name}.identifier`, resource.identifier).set(`${name}.gateway_url`, resource.gateway_url);
  names.set(`${name}.gateway`, `${app.url}/g/${scene.zone}/${resource.slug}`);
  if (granted.length > 0) await scene.grant(agent, resource, granted);
}

async function makeTokens(): Promise<void> {
  const application = await scene.applicationToken(agent);
  const session = await scene.session(application);
  const named = { resource: names.get('calendar.identifier'), scopes: ['read'] };
  const child = await scene.session(session.session_token, { authority: { narrow: { resources: [named] } } });
  const opened = (sub: string): Promise<{ id: string; session_token: string }> =>
    scene.session(application, { subject: { id_token: issuer.mint({ claims: { sub } }) } });
  const used = issuer.mint();
  await scene.session(application, { subject: { id_token: used } });
  const revoked = await scene.applicationToken(agent);
  ok(await scene.oauth('revoke', { token: revoked }, agent));
  const mandate = ok(await scene.exchange(agent, application, { resource: names.get('calendar.gateway_url') ?? '' }));
  names
    .set('application', application)
    .set('session', session.session_token)
    .set('session.id', session.id)
    .set('child', child.session_token)
    .set('child.id', child.id)
    .set('user-session', (await opened('alice')).session_token)
    .set('other-user-session', (await opened('bob')).session_token)
    .set('mandate', mandate.access_token)
    .set('foreign', await scene.applicationToken(other))
    .set('revoked', revoked)
    .set('used-id_token', used);
}

function fill(text: string): string {
  const now = Math.floor(Date.now() / 1000);
  return text.replace(/\{([a-z_.-]+)\}/g, (whole, name: string) => {
    if (name === 'id_token') return issuer.mint();
    if (name === 'id_token-for-other') return issuer.mint({ claims: { aud: 'somebody-else' } });
    if (name === 'expired-id_token') return issuer.mint({ claims: { iat: now - 660, exp: now - 60 } });
    return names.get(name) ?? whole;
  });
}

function bodyOf({ form, types = true, actorType = true, append = [], tail = '', repeatTail = 1 }: Vector): string {
  const added = {
    grant_type: EXCHANGE,
    ...(types ? { subject_token_type: ACCESS_TOKEN } : {}),
    ...(actorType && form['actor_token'] ? { actor_token_type: ACCESS_TOKEN } : {}),
  };
  const filled = Object.entries({ ...added, ...form }).map(
    ([name, value]) => [name, [value].flat().map(fill)] as const,
  );
  const more = append.map(([name, value]) => `&${encode({ [name]: fill(value) })}`).join('');
  return encode(Object.fromEntries(filled)) + more + tail.repeat(repeatTail);
}

function clientOf({ client }: Vector): Record<string, string> {
  if (client === null) return {};
  if (client === 'wrong') return { authorization: basic({ ...agent, secret: `${agent.secret}x` }) };
  return { authorization: basic(client === 'other' ? other : agent) };
}

async function send(vector: Vector): Promise<{ status: number; body: Record<string, unknown> }> {
  const type = vector.contentType ?? 'application/x-www-form-urlencoded';
  const response = await fetch(`${scene.issuer}/oauth2/token${vector.query ?? ''}`, {
    method: 'POST',
    headers: { ...(type === '' ? {} : { 'content-type': type }), ...clientOf(vector) },
    // Bytes, so that the client adds no media type of its own.
    body: Buffer.from(bodyOf(vector)),
  });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

describe('[T2] token exchange, as vectors (test/vectors/exchange.json)', () => {
  it.each(vectors.map((vector) => [vector.name, vector] as const))('%s', async (_name, vector) => {
    const { status, body } = await send(vector);
    const wanted = vector.expect;
    expect([status, body['error']]).toEqual([wanted.status, wanted.error]);
    if (wanted.status !== 200) return;
    const claims = claimsOf(body['access_token'] as string);
    const found: Record<string, unknown> = {
      status,
      scope: body['scope'],
      aud: claims['aud'],
      sub: claims['sub'],
      sid: claims['sid'],
      act: (claims['act'] as { client_id?: string } | undefined)?.client_id,
      seconds: body['expires_in'],
      details: body['authorization_details'],
    };
    const { absent = [], ...values } = wanted;
    const expected = JSON.parse(JSON.stringify(values), (_key, value: unknown) =>
      typeof value === 'string' ? fill(value) : value,
    ) as object;
    expect(found).toMatchObject(expected);
    expect(absent.filter((name) => name in claims)).toEqual([]);
    expect(body).toMatchObject({
      issued_token_type: ACCESS_TOKEN,
      token_type: 'Bearer',
      receipt: { zone: scene.zone },
    });
  });
});
