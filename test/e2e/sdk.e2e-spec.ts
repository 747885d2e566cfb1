import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fastify, { type FastifyInstance } from 'fastify';
import { fastifyGuard, type Guarded, MandateVerifier, RuntimeClient, type RuntimeError } from '../../src/sdk/index.js';
import { startTestApp, type TestApp } from '../support/app.js';
import { OAuthScene, type SceneClient, type SceneResource } from '../support/oauth-scene.js';

let app: TestApp;
let scene: OAuthScene;
let client: SceneClient;
let resource: SceneResource;
let server: FastifyInstance;
let url: string;

beforeAll(async () => {
  app = await startTestApp();
  scene = await OAuthScene.open(app);
  client = await scene.client();
  const own = await scene.client();
  resource = await scene.resource(['read', 'write'], {
    enforcement: 'direct',
    upstream_url: null,
    provider: null,
    operations: [],
    server_application: own.id,
  });
  await scene.grant(client, resource, ['read']);
  const verifier = new MandateVerifier({
    issuer: scene.issuer,
    audience: resource.identifier,
    introspection: { clientId: own.id, clientSecret: own.secret, cacheSeconds: 0 },
  });
  server = fastify();
  const publicUrl = 'https://api.example';
  server.get('/read', { onRequest: fastifyGuard({ verifier, scopes: ['read'], publicUrl }) }, (request) => ({
    subject: (request as Guarded).mandate?.subject,
  }));
  server.get('/write', { onRequest: fastifyGuard({ verifier, scopes: ['write'], publicUrl }) }, () => ({}));
  url = await server.listen({ port: 0, host: '127.0.0.1' });
});

afterAll(async () => {
  await server.close();
  await app.close();
});

const statusOf = async (path: string, token?: string): Promise<number> =>
  (await fetch(url + path, token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } })).status;

describe('the SDK on both sides of a real server', () => {
  it('[T2] obtains mandates for sessions, and a resource server accepts them until their session ends', async () => {
    const runtime = new RuntimeClient({ issuer: scene.issuer, clientId: client.id, clientSecret: client.secret });
    expect(await runtime.applicationToken()).toBe(await runtime.applicationToken());
    const session = await runtime.startSession({ ttl_seconds: 600 });
    const child = await runtime.startSession({ ttl_seconds: 300 }, await runtime.refreshSession(session));
    const { token, scope } = await runtime.mandate(child, { resources: [resource.identifier] });
    expect(scope).toBe('read');
    expect([await statusOf('/read', token), await statusOf('/write', token)]).toEqual([200, 403]);
    expect([await statusOf('/read'), await statusOf('/read', `${token}x`)]).toEqual([401, 401]);
    await runtime.terminateSession(session, 'done');
    expect(await statusOf('/read', token)).toBe(401);
  });

  it('[T2] a mandate for another resource is refused, and what the server refuses is told as it says it', async () => {
    const runtime = new RuntimeClient({ issuer: scene.issuer, clientId: client.id, clientSecret: client.secret });
    const other = await scene.resource(['read']);
    await scene.grant(client, other, ['read']);
    const session = await runtime.startSession();
    const { token } = await runtime.mandate(session, { resources: [other.gateway_url], scope: 'read' });
    expect(await statusOf('/read', token)).toBe(401);
    const beyond = runtime.mandate(session, { resources: [resource.identifier], scope: 'write' });
    await expect(beyond).rejects.toMatchObject({ status: 400, code: 'invalid_scope' } satisfies Partial<RuntimeError>);
    const wrong = new RuntimeClient({ issuer: scene.issuer, clientId: client.id, clientSecret: 'wrong' });
    await expect(wrong.applicationToken()).rejects.toMatchObject({ status: 401, code: 'invalid_client' });
  });
});
