import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import fastify from 'fastify';
import type { JsonObject } from '../kernel/json.js';
import { proofKeyThumbprint } from '../kernel/jose/proof-key.js';
import { expressGuard, fastifyGuard, type Guarded, MandateGuard, MandateVerifier } from './index.js';

const ISSUER = 'https://auth.example/z/acme';
const AUDIENCE = 'https://api.example/';
const NOW = 1_800_000_000;
const PUBLIC_URL = 'https://api.example';
const issuerKey = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const holder = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' });

const publicJwk = (key: KeyObject, members: JsonObject = {}): JsonObject => ({
  ...(key.export({ format: 'jwk' }) as JsonObject),
  ...members,
});

function jws(header: JsonObject, claims: JsonObject, key: KeyObject): string {
  const part = (value: JsonObject): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const input = `${part(header)}.${part(claims)}`;
  return `${input}.${sign('sha256', Buffer.from(input), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
}

const CLAIMS: JsonObject = {
  iss: ISSUER,
  aud: AUDIENCE,
  sub: 'app:a',
  client_id: 'a',
  scope: 'read write',
  iat: NOW,
  nbf: NOW,
  exp: NOW + 300,
  jti: 'j1',
};

const mandate = (claims: JsonObject = {}, header: JsonObject = {}, key = issuerKey.privateKey): string =>
  jws({ alg: 'ES256', typ: 'at+jwt', kid: 'k1', ...header }, { ...CLAIMS, ...claims }, key);

const bound = mandate({ cnf: { jkt: proofKeyThumbprint(publicJwk(holder.publicKey)) ?? '' } });
const ath = createHash('sha256').update(bound).digest('base64url');
let proofs = 0;

function proof(claims: JsonObject = {}, pair = holder, header: JsonObject = {}): string {
  proofs += 1;
  const whole = { jti: `p${proofs}`, htm: 'GET', htu: `${PUBLIC_URL}/x`, iat: NOW, ath, ...claims };
  return jws({ alg: 'ES256', typ: 'dpop+jwt', jwk: publicJwk(pair.publicKey), ...header }, whole, pair.privateKey);
}

let now: number;
let keySet: () => Promise<Response>;
let fetches: string[];
let active: boolean;
let asked: Promise<Response> | undefined;

beforeEach(() => {
  now = NOW * 1_000;
  fetches = [];
  active = true;
  asked = undefined;
  keySet = () =>
    Promise.resolve(Response.json({ keys: [publicJwk(issuerKey.publicKey, { kid: 'k1', alg: 'ES256' })] }));
});

const call = ((url: string) => {
  fetches.push(url);
  if (url.endsWith('/jwks.json')) return keySet();
  return asked ?? Promise.resolve(Response.json({ active }));
}) as typeof fetch;

function verifierOf(more: Partial<ConstructorParameters<typeof MandateVerifier>[0]> = {}): MandateVerifier {
  return new MandateVerifier({ issuer: ISSUER, audience: AUDIENCE, fetch: call, now: () => now, ...more });
}

async function outcome(verifier: MandateVerifier, authorization: string[], dpop: string[] = [], scopes = ['read']) {
  const request = { method: 'GET', url: `${PUBLIC_URL}/x?q=1`, authorization, dpop };
  return verifier.verify(request, scopes).then(
    ({ subject }) => subject,
    (error: { code: string }) => error.code,
  );
}

describe('MandateVerifier (RFC 9068 §4)', () => {
  it('answers who acts for whom, with what', async () => {
    const request = { method: 'GET', url: PUBLIC_URL, authorization: [`Bearer ${mandate()}`], dpop: [] };
    expect(await verifierOf().verify(request, ['read'])).toMatchObject({
      subject: 'app:a',
      clientId: 'a',
      scopes: new Set(['read', 'write']),
      id: 'j1',
    });
  });

  it('accepts a mandate that names several audiences', async () => {
    expect(await outcome(verifierOf(), [`Bearer ${mandate({ aud: ['https://x.example/', AUDIENCE] })}`])).toBe('app:a');
  });

  it.each<[string, string]>([
    ['another issuer', mandate({ iss: 'https://evil.example' })],
    ['another audience', mandate({ aud: 'https://other.example/' })],
    ['an audience that only begins alike', mandate({ aud: `${AUDIENCE}x` })],
    ['another type', mandate({}, { typ: 'JWT' })],
    ['another key', mandate({}, {}, stranger.privateKey)],
    ['no key id', mandate({}, { kid: null })],
    ['a key in the header', mandate({}, { jwk: publicJwk(stranger.publicKey) }, stranger.privateKey)],
    ['an expired one', mandate({ exp: NOW - 10 })],
    ['one of the future', mandate({ iat: NOW + 60 })],
    ['one that is not valid yet', mandate({ nbf: NOW + 60 })],
    ['times that are no integers', mandate({ exp: 'never' })],
    ['no scope', mandate({ scope: null })],
    ['no subject', mandate({ sub: '' })],
    ['a confirmation that is not known', mandate({ cnf: { 'x5t#S256': 'a' } })],
    ['no JWS', 'abc'],
  ])('[T2] refuses %s', async (_, token) => {
    expect(await outcome(verifierOf(), [`Bearer ${token}`])).toBe('invalid_token');
  });

  it('[T2] refuses none, two, and other schemes', async () => {
    const verifier = verifierOf();
    expect(await outcome(verifier, [])).toBe('no_token');
    expect(await outcome(verifier, [`Bearer ${mandate()}`, `Bearer ${mandate()}`])).toBe('invalid_token');
    expect(await outcome(verifier, [`Basic ${mandate()}`])).toBe('invalid_token');
    expect(await outcome(verifier, [`Bearer ${mandate()}`], [], ['read', 'admin'])).toBe('insufficient_scope');
  });
});

describe('the keys of the issuer', () => {
  it('are fetched once for all who ask, and again for a key id that is new, but not for each', async () => {
    const verifier = verifierOf();
    await Promise.all([1, 2, 3].map(() => outcome(verifier, [`Bearer ${mandate()}`])));
    expect(fetches).toHaveLength(1);
    for (let n = 0; n < 5; n += 1) await outcome(verifier, [`Bearer ${mandate({}, { kid: `n${n}` })}`]);
    expect(fetches).toHaveLength(1);
    now += 11_000;
    expect(await outcome(verifier, [`Bearer ${mandate({}, { kid: 'n' })}`])).toBe('invalid_token');
    expect(fetches).toHaveLength(2);
  });

  it('[T2] a key that is published no longer is believed no longer', async () => {
    const verifier = verifierOf();
    expect(await outcome(verifier, [`Bearer ${mandate()}`])).toBe('app:a');
    keySet = () => Promise.resolve(Response.json({ keys: [] }));
    now += 301_000;
    expect(await outcome(verifier, [`Bearer ${mandate({ exp: NOW + 900 })}`])).toBe('invalid_token');
  });

  it('[T8] an issuer that cannot be reached is survived for a while, and is no permission', async () => {
    const verifier = verifierOf();
    const long = mandate({ exp: NOW + 3_600 });
    await outcome(verifier, [`Bearer ${long}`]);
    keySet = () => Promise.reject(new Error('down'));
    now += 400_000;
    expect(await outcome(verifier, [`Bearer ${long}`])).toBe('app:a');
    now += 600_000;
    expect(await outcome(verifier, [`Bearer ${long}`])).toBe('unavailable');
    expect(await outcome(verifierOf(), [`Bearer ${long}`])).toBe('unavailable');
  });
});

describe('a bound mandate (RFC 9449 §7)', () => {
  it('is accepted with a proof of its key, once', async () => {
    const verifier = verifierOf();
    const once = proof();
    expect(await outcome(verifier, [`DPoP ${bound}`], [once])).toBe('app:a');
    expect(await outcome(verifier, [`DPoP ${bound}`], [once])).toBe('invalid_dpop_proof');
    expect(await outcome(verifier, [`DPoP ${bound}`], [proof()])).toBe('app:a');
  });

  it.each<[string, () => string[]]>([
    ['no proof', () => []],
    ['two proofs', () => [proof(), proof()]],
    ['a proof of another key', () => [proof({}, stranger)]],
    ['a proof for another method', () => [proof({ htm: 'POST' })]],
    ['a proof for another URL', () => [proof({ htu: `${PUBLIC_URL}/y` })]],
    ['a proof for no URL', () => [proof({ htu: 'x' })]],
    ['a proof for another token', () => [proof({ ath: 'x' })]],
    ['an old proof', () => [proof({ iat: NOW - 61 })]],
    ['a proof without an id', () => [proof({ jti: '' })]],
    ['a proof of another type', () => [proof({}, holder, { typ: 'JWT' })]],
    ['another’s signature', () => [proof().replace(/[^.]*$/, proof().split('.')[2] as string)]],
  ])('[T2] refuses %s', async (_, proofsOf) => {
    expect(await outcome(verifierOf(), [`DPoP ${bound}`], proofsOf())).toBe('invalid_dpop_proof');
  });

  it('[T2] is no bearer, and an unbound one no bound one', async () => {
    expect(await outcome(verifierOf(), [`Bearer ${bound}`], [proof()])).toBe('invalid_token');
    expect(await outcome(verifierOf(), [`DPoP ${mandate()}`], [proof()])).toBe('invalid_token');
  });
});

describe('introspection', () => {
  const introspection = { clientId: 'rs', clientSecret: 's', cacheSeconds: 5 };

  it('[T2] a revoked mandate is refused, at the latest when the answer is old', async () => {
    const verifier = verifierOf({ introspection });
    const bearer = [`Bearer ${mandate()}`];
    expect(await outcome(verifier, bearer)).toBe('app:a');
    active = false;
    expect(await outcome(verifier, bearer)).toBe('app:a');
    now += 5_001;
    expect(await outcome(verifier, bearer)).toBe('invalid_token');
  });

  it('[T8] an issuer that cannot be asked is no permission', async () => {
    asked = Promise.resolve(new Response('', { status: 500 }));
    expect(await outcome(verifierOf({ introspection }), [`Bearer ${mandate()}`])).toBe('unavailable');
  });
});

describe('guards', () => {
  const closers: (() => unknown)[] = [];
  afterEach(async () => {
    for (const close of closers.splice(0)) await close();
  });

  const options = () => ({
    verifier: verifierOf(),
    scopes: ['read'],
    publicUrl: PUBLIC_URL,
    metadataUrl: 'https://m.example',
  });

  async function listen(server: Server): Promise<string> {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    closers.push(() => server.close());
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}/x`;
  }

  async function judge(url: string): Promise<unknown[]> {
    const bearer = { authorization: `Bearer ${mandate()}` };
    const dpop = { authorization: `DPoP ${bound}`, dpop: proof() };
    const weak = { authorization: `Bearer ${mandate({ scope: 'write' })}` };
    const tries: Record<string, string>[] = [bearer, dpop, {}, { authorization: 'Bearer x' }, weak];
    const answers = await Promise.all(tries.map((headers) => fetch(url, { headers })));
    return Promise.all(
      answers.map(async (answer) => [answer.status, await answer.text(), answer.headers.get('www-authenticate')]),
    );
  }

  const EXPECTED = [
    [200, 'app:a', null],
    [200, 'app:a', null],
    [401, '{"error":"no_token"}', 'Bearer resource_metadata="https://m.example"'],
    [401, '{"error":"invalid_token"}', 'Bearer resource_metadata="https://m.example", error="invalid_token"'],
    [
      403,
      '{"error":"insufficient_scope"}',
      'Bearer resource_metadata="https://m.example", error="insufficient_scope", scope="read"',
    ],
  ];

  it('[T2] of middleware as Express and node:http take it', async () => {
    const guard = expressGuard(options());
    const server = createServer((request: Parameters<typeof guard>[0] & Guarded, response) =>
      guard(request, response, () => response.end(request.mandate?.subject)),
    );
    expect(await judge(await listen(server))).toEqual(EXPECTED);
  });

  it('[T2] of Fastify', async () => {
    const server = fastify();
    server.addHook('onRequest', fastifyGuard(options()));
    server.get('/x', (request) => (request as Guarded).mandate?.subject);
    closers.push(() => server.close());
    expect(await judge(`${await server.listen({ port: 0, host: '127.0.0.1' })}/x`)).toEqual(EXPECTED);
  });

  it('[T2] of Nest', async () => {
    const guard = new MandateGuard(options());
    const server = createServer((request, response) => {
      const http = { getRequest: () => request, getResponse: () => response };
      const context = { switchToHttp: () => http } as unknown as Parameters<MandateGuard['canActivate']>[0];
      void guard.canActivate(context).then((may) => may && response.end((request as Guarded).mandate?.subject));
    });
    expect(await judge(await listen(server))).toEqual(EXPECTED);
  });
});
