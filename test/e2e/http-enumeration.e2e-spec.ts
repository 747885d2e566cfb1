import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { PUBLIC_ROUTES } from '../../src/platform/http/public-routes.js';
import { call, startTestApp, type TestApp } from '../support/app.js';
import { makeZoneOverHttp } from '../support/fixtures.js';

interface Operation {
  readonly method: string;
  readonly path: string;
  readonly kind: 'public' | 'admin' | 'runtime' | 'oauth' | 'control';
  readonly described: Described;
}

interface Described {
  readonly operationId: string;
  readonly security: readonly object[];
  readonly parameters: readonly { readonly $ref?: string }[];
  readonly responses: Readonly<Record<string, unknown>>;
}

const KINDS: Readonly<Record<string, Operation['kind']>> = {
  adminToken: 'admin',
  runtimeToken: 'runtime',
  clientBasic: 'oauth',
  controlToken: 'control',
};
const ID = '018f0000-0000-7000-8000-000000000000';
const WRONG_JWT = `${Buffer.from('{"alg":"none","typ":"at+jwt"}').toString('base64url')}.${Buffer.from('{}').toString('base64url')}.x`;
const WRONG_TOKENS = [
  ['a wrong token', 'Bearer cat_0000000000000000000000000000000000000000000000000'],
  ['an unsigned token', `Bearer ${WRONG_JWT}`],
  ['an empty token', 'Bearer '],
  ['an over-long token', `Bearer ${'a'.repeat(4097)}`],
  ['another scheme', 'Basic YTpi'],
  ['no scheme', 'cat_x'],
] as const;

/** Every route there is, called by people who may not call it. */
describe('[T1] every route', () => {
  let app: TestApp;
  let operations: Operation[];

  beforeAll(async () => {
    app = await startTestApp();
    await makeZoneOverHttp(app, 'a');
    const { body } = await call(app.url, { method: 'GET', path: '/openapi.json' });
    operations = Object.entries(body.paths as Record<string, Record<string, Described>>).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, described]) => ({
        method: method.toUpperCase(),
        path,
        kind: kindOf(described.security),
        described,
      })),
    );
  });

  afterAll(() => app.close());

  const kindOf = (security: readonly object[]): Operation['kind'] =>
    KINDS[Object.keys(security[0] ?? {})[0] ?? ''] ?? 'public';
  const pathOf = ({ path }: Operation) => path.replace('{zone}', 'a').replaceAll(/\{[^}]+\}/g, ID);
  const ask = (operation: Operation, authorization?: string) => {
    const form = operation.kind === 'oauth';
    const headers = {
      ...(authorization === undefined ? {} : { authorization }),
      ...(operation.method === 'GET'
        ? {}
        : { 'content-type': form ? 'application/x-www-form-urlencoded' : 'application/json' }),
    };
    return call(app.url, { method: operation.method, path: pathOf(operation), headers });
  };
  const guarded = () => operations.filter(({ kind }) => kind === 'admin' || kind === 'runtime');

  it('is described, and the public ones are those of the checked-in list', () => {
    const open = operations.filter(({ kind }) => kind === 'public').map(({ method, path }) => `${method} ${path}`);
    const listed = PUBLIC_ROUTES.map((route) => route.replaceAll(/:([a-z_]+)/gi, '{$1}').replace(/\*$/, '{path}'));
    expect([...open].sort()).toEqual([...listed].sort());
    expect(guarded().length).toBeGreaterThan(40);
  });

  const takes = ({ described }: Operation, parameter: string) =>
    described.parameters.some(({ $ref }) => $ref === `#/components/parameters/${parameter}`);

  it('takes an Idempotency-Key where it creates, and If-Match where it updates', () => {
    const creating = guarded().filter(({ method, described }) => method === 'POST' && '201' in described.responses);
    expect(creating.filter((operation) => !takes(operation, 'IdempotencyKey')).map(({ path }) => path)).toEqual([]);
    const updating = guarded().filter(({ method }) => method === 'PATCH');
    expect(updating.filter((operation) => !takes(operation, 'IfMatch')).map(({ path }) => path)).toEqual([]);
    expect(creating.length).toBeGreaterThan(5);
    expect(updating.length).toBeGreaterThan(3);
  });

  it('has an operation id of its own', () => {
    const ids = operations.map(({ described }) => described.operationId);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('is refused to the anonymous with a challenge that names no error (RFC 6750 §3.1)', async () => {
    for (const operation of guarded().filter(({ path }) => path !== '/metrics')) {
      const { status, headers, body } = await ask(operation);
      const challenge = headers.get('www-authenticate');
      expect([operation.method, operation.path, status, body.code]).toEqual([
        operation.method,
        operation.path,
        401,
        'invalid_token',
      ]);
      expect(challenge).toMatch(/^Bearer realm="[^"]+"$/);
    }
  });

  it.each(WRONG_TOKENS)('is refused to %s with the challenge invalid_token', async (_name, authorization) => {
    for (const operation of guarded().filter(({ path }) => path !== '/metrics')) {
      const { status, headers, body } = await ask(operation, authorization);
      expect([operation.method, operation.path, status, body.code]).toEqual([
        operation.method,
        operation.path,
        401,
        'invalid_token',
      ]);
      expect(headers.get('www-authenticate')).toMatch(/^Bearer realm="[^"]+", error="invalid_token"$/);
      expect(headers.get('content-type')).toContain('application/problem+json');
    }
  });

  it('does nothing for a client that does not authenticate at an OAuth endpoint (RFC 6749 §5.2)', async () => {
    const endpoints = operations.filter(({ kind }) => kind === 'oauth');
    expect(endpoints.length).toBeGreaterThanOrEqual(3);
    for (const operation of endpoints) {
      const { status, headers, body } = await ask(operation);
      expect([400, 401]).toContain(status);
      expect(['invalid_request', 'invalid_client', 'unsupported_grant_type']).toContain(body.error);
      expect(headers.get('cache-control')).toBe('no-store');
    }
  });

  it('takes no runtime token for an admin token and no admin token for a runtime token', async () => {
    for (const operation of operations.filter(({ kind }) => kind === 'runtime')) {
      expect([operation.path, (await ask(operation, `Bearer ${app.adminToken}`)).status]).toEqual([
        operation.path,
        401,
      ]);
    }
  });

  it('answers the bootstrap token without ever failing, whatever id it names', async () => {
    for (const operation of guarded().filter(({ kind }) => kind === 'admin')) {
      const { status } = await ask(operation, `Bearer ${app.adminToken}`);
      expect([operation.method, operation.path, status < 500]).toEqual([operation.method, operation.path, true]);
    }
  });

  it('is 405 with Allow for a method it does not have', async () => {
    for (const { path } of operations) {
      const { status, headers, body } = await call(app.url, {
        method: 'REPORT',
        path: path.replace('{zone}', 'a').replaceAll(/\{[^}]+\}/g, ID),
      });
      expect([path, status, typeof headers.get('allow'), body.code]).toEqual([
        path,
        405,
        'string',
        'method_not_allowed',
      ]);
    }
  });

  it('is not there in a zone that is not there', async () => {
    for (const operation of guarded().filter(({ path }) => path.includes('{zone}'))) {
      const path = operation.path.replace('{zone}', 'nowhere').replaceAll(/\{[^}]+\}/g, ID);
      const { status } = await call(app.url, {
        method: operation.method,
        path,
        headers: { authorization: `Bearer ${app.adminToken}` },
      });
      expect([operation.method, path, status]).toEqual([operation.method, path, 404]);
    }
  });
});
