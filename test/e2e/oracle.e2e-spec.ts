import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startTestApp, type TestApp } from '../support/app.js';
import { KeyHolder } from '../support/dpop.js';
import { OAuthScene } from '../support/oauth-scene.js';
import { type Oracle, startOracle } from '../support/oracle.js';

const ASSERTION = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
const key = new KeyHolder();
const stranger = new KeyHolder();

interface Server {
  readonly issuer: string;
  readonly tokenEndpoint: string;
  readonly clientId: string;
}

let app: TestApp;
let oracle: Oracle;
let servers: { ours: Server; theirs: Server };

beforeAll(async () => {
  app = await startTestApp();
  const scene = await OAuthScene.open(app);
  const { id } = await scene.client();
  await scene.admin('POST', `/applications/${id}/credentials`, { type: 'jwks', jwks: { keys: [key.jwk] } });
  oracle = await startOracle({
    client_id: id,
    token_endpoint_auth_method: 'private_key_jwt',
    jwks: { keys: [key.jwk] },
  });
  servers = {
    ours: { issuer: scene.issuer, tokenEndpoint: `${scene.issuer}/oauth2/token`, clientId: id },
    theirs: { issuer: oracle.issuer, tokenEndpoint: `${oracle.issuer}/token`, clientId: id },
  };
});

afterAll(async () => {
  await app.close();
  await oracle.close();
});

const now = (): number => Math.floor(Date.now() / 1000);

type Make = (server: Server) => string;
type Changes = Readonly<Record<string, unknown>>;

const assertion =
  (claims: Changes | ((server: Server) => Changes) = {}, header: Changes = {}, by = key): Make =>
  (server) => {
    const { issuer, clientId } = server;
    const changes = typeof claims === 'function' ? claims(server) : claims;
    const good = { iss: clientId, sub: clientId, aud: issuer, iat: now(), exp: now() + 60, jti: randomUUID() };
    return by.sign({ alg: 'ES256', ...header }, { ...good, ...changes });
  };

const proof =
  (claims: Changes | ((server: Server) => Changes) = {}, header: Changes = {}, by = key): Make =>
  (server) =>
    by.proof('POST', server.tokenEndpoint, {
      header,
      claims: typeof claims === 'function' ? claims(server) : claims,
    });

interface Sent {
  readonly assertion?: Make;
  readonly proof?: Make;
}

/** `client_credentials` at a server: `ok` with what it gave, or the error it named. */
async function ask(server: Server, sent: Sent): Promise<string> {
  const dpop: Record<string, string> = sent.proof ? { dpop: sent.proof(server) } : {};
  const answer = await fetch(server.tokenEndpoint, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded', ...dpop },
    body: new URLSearchParams({
      grant_type: 'client_credentials',
      client_id: server.clientId,
      client_assertion_type: ASSERTION,
      client_assertion: (sent.assertion ?? assertion())(server),
    }).toString(),
  });
  const body = (await answer.json()) as { error?: string; token_type?: string };
  return answer.ok ? `ok ${body.token_type}` : `${answer.status} ${body.error}`;
}

async function both(sent: Sent): Promise<[ours: string, theirs: string]> {
  return [await ask(servers.ours, sent), await ask(servers.theirs, sent)];
}

describe('a proof of possession is judged as oidc-provider judges it (RFC 9449 §4.3)', () => {
  const ed25519 = new KeyHolder('Ed25519');
  it.each<[string, Make]>([
    ['a good one', proof()],
    ['one by Ed25519', proof({}, {}, ed25519)],
    ['with a query in htu', proof(({ tokenEndpoint }) => ({ htu: `${tokenEndpoint}?a=b#c` }))],
    ['with htu in upper case', proof(({ tokenEndpoint }) => ({ htu: tokenEndpoint.replace('http', 'HTTP') }))],
    ['with an unknown claim', proof({ more: true })],
    ['with a kid', proof({}, { kid: 'x' })],
    ['with an ath', proof({ ath: 'x' })],
    ['55 seconds old', proof({ iat: now() - 55 })],
    ['10 minutes old', proof({ iat: now() - 600 })],
    ['10 minutes early', proof({ iat: now() + 600 })],
    ['expired', proof({ exp: now() - 30 })],
    ['with the typ of a JWT', proof({}, { typ: 'JWT' })],
    ['without typ', proof({}, { typ: undefined })],
    ['with another htm', proof({ htm: 'GET' })],
    ['with another htu', proof({ htu: 'http://127.0.0.1/token' })],
    ['without htm', proof({ htm: undefined })],
    ['without htu', proof({ htu: undefined })],
    ['without jti', proof({ jti: undefined })],
    ['without iat', proof({ iat: undefined })],
    ['with an iat that is text', proof({ iat: 'now' })],
    ['with a nonce that is no text', proof({ nonce: 5 })],
    ['without jwk', proof({}, { jwk: undefined })],
    ['with a private jwk', proof({}, { jwk: key.privateJwk })],
    ['with another jwk', proof({}, { jwk: stranger.jwk })],
    ['with alg none', proof({}, { alg: 'none' })],
    ['with HS256', proof({}, { alg: 'HS256' })],
    ['with crit', proof({}, { crit: ['more'], more: 1 })],
    ['that is no JWT', () => 'x.y.z'],
    ['twice in one header', (server) => `${proof()(server)}, ${proof()(server)}`],
  ])('%s', async (_name, make) => {
    const [ours, theirs] = await both({ proof: make });
    expect(ours).toBe(theirs);
  });

  it('[T2] refuses a second use of one proof, as it does', async () => {
    const made = new Map<Server, string>();
    const once: Make = (server) => made.get(server) ?? (made.set(server, proof()(server)).get(server) as string);
    expect(await both({ proof: once })).toEqual(['ok DPoP', 'ok DPoP']);
    const again = await both({ proof: once });
    expect(again.every((answer) => answer.startsWith('400'))).toBe(true);
  });

  it.each<[string, Make]>([
    [
      'a nonce that no one asked for is ignored here, for the zone may have ceased to ask (§8)',
      proof({ nonce: 'old' }),
    ],
  ])('differs on purpose: %s', async (_name, make) => {
    const [ours, theirs] = await both({ proof: make });
    expect([ours, theirs]).toEqual(['ok DPoP', '400 invalid_dpop_proof']);
  });
});

describe('a client assertion is judged as oidc-provider judges it (RFC 7523 §3)', () => {
  it.each<[string, Make]>([
    ['a good one', assertion()],
    ['with the typ of RFC 7523bis', assertion({}, { typ: 'client-authentication+jwt' })],
    ['with an unknown claim', assertion({ more: true })],
    ['by another key', assertion({}, {}, stranger)],
    ['for another audience', assertion({ aud: 'https://other.example' })],
    ['for no audience', assertion({ aud: undefined })],
    ['of another issuer', assertion({ iss: 'other' })],
    ['without iss', assertion({ iss: undefined })],
    ['without exp', assertion({ exp: undefined })],
    ['without jti', assertion({ jti: undefined })],
    ['expired', assertion({ exp: now() - 120 })],
    ['not valid yet', assertion({ nbf: now() + 300 })],
    ['with alg none', assertion({}, { alg: 'none' })],
    ['with HS256', assertion({}, { alg: 'HS256' })],
    ['that is no JWT', () => 'x.y.z'],
  ])('%s', async (_name, make) => {
    const [ours, theirs] = await both({ assertion: make });
    expect(ours.startsWith('ok')).toBe(theirs.startsWith('ok'));
  });

  it('[T2] refuses a second use of one assertion, as it does', async () => {
    const made = new Map<Server, string>();
    const once: Make = (server) => made.get(server) ?? (made.set(server, assertion()(server)).get(server) as string);
    expect(await both({ assertion: once })).toEqual(['ok Bearer', 'ok Bearer']);
    expect(await both({ assertion: once })).toEqual(['401 invalid_client', '401 invalid_client']);
  });

  it.each<[string, Make]>([
    ['the token endpoint is no audience here', assertion(({ tokenEndpoint }) => ({ aud: tokenEndpoint }))],
    ['an array of audiences is refused here', assertion(({ issuer }) => ({ aud: [issuer] }))],
    ['an hour is too long here', assertion({ exp: now() + 3_600 })],
  ])('[T2] differs on purpose: %s', async (_name, make) => {
    expect(await both({ assertion: make })).toEqual(['401 invalid_client', 'ok Bearer']);
  });
});
