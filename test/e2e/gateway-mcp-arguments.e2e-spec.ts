import { createHash } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { startTestApp, type TestApp, unique } from '../support/app.js';
import { type GatewayScene, openGateway } from '../support/gateway-scene.js';
import { type McpAnswer, type McpUpstream, startMcpUpstream, readAnswer } from '../support/mcp-upstream.js';

let app: TestApp;
let server: McpUpstream;

beforeAll(async () => {
  app = await startTestApp();
  server = await startMcpUpstream();
});

beforeEach(() => {
  server.answer = undefined;
  server.seen.length = 0;
});

afterAll(async () => {
  await server.close();
  await app.close();
});

const rpc = (id: unknown, method: string, params?: object): object => ({ jsonrpc: '2.0', id, method, params });

describe('operations on arguments, prompts and resources', () => {
  let open: GatewayScene;
  let holder: string;

  beforeAll(async () => {
    open = await openGateway(app, {
      upstream: server.url,
      scopes: ['small', 'large', 'read'],
      members: {
        mcp: true,
        operations: [
          {
            mcp_tool: 'sum',
            scope: 'small',
            args: { amount: { type: 'integer', minimum: 0, maximum: 100 }, to: { type: 'string', optional: true } },
          },
          { mcp_tool: 'sum', scope: 'large', args: { amount: { type: 'integer' } } },
          { mcp_prompt: 'greet', scope: 'read' },
          { mcp_resource: 'file:///docs/*', scope: 'read' },
        ],
      },
      granted: ['small', 'read'],
    });
    holder = await open.mandate();
  });

  const call = async (message: unknown): Promise<McpAnswer> =>
    readAnswer(
      await open.get('', {
        token: holder,
        method: 'POST',
        body: JSON.stringify(message),
        headers: { 'content-type': 'application/json' },
      }),
    );
  const sum = (args: object): object => rpc(1, 'tools/call', { name: 'sum', arguments: args });

  it('[T3] the arguments say which operation it is, and one that none is for is denied', async () => {
    expect((await call(sum({ amount: 100 }))).status).toBe(200);
    const large = await call(sum({ amount: 101 }));
    expect([large.status, large.headers.get('www-authenticate')]).toEqual([
      403,
      expect.stringContaining('scope="large"'),
    ]);
    for (const args of [{}, { amount: '5' }, { amount: 5.5 }, { amount: null }, { amount: [5] }])
      expect((await call(sum(args))).body.code).toBe('operation_not_permitted');
    expect(server.seen).toHaveLength(1);
  });

  it('[T3] prompts and resources are read and listed by their operations', async () => {
    expect((await call(rpc(1, 'prompts/get', { name: 'greet' }))).status).toBe(200);
    expect((await call(rpc(1, 'prompts/get', { name: 'secret' }))).status).toBe(403);
    expect((await call(rpc(1, 'resources/read', { uri: 'file:///docs/a' }))).status).toBe(200);
    for (const uri of ['file:///etc/passwd', 'file:///docs/../etc/passwd', 'file:///docs/%2e%2e/etc/passwd'])
      expect((await call(rpc(1, 'resources/read', { uri }))).status).toBe(403);
    expect((await call(rpc(1, 'prompts/list'))).body.result.prompts).toEqual([{ name: 'greet' }]);
    expect((await call(rpc(1, 'resources/list'))).body.result.resources).toEqual([{ uri: 'file:///docs/a' }]);
    const { resourceTemplates } = (await call(rpc(1, 'resources/templates/list'))).body.result;
    expect(resourceTemplates).toEqual([{ uriTemplate: 'file:///docs/{x}' }]);
    expect((await call(rpc(1, 'tools/list'))).body.result.tools).toEqual([{ name: 'sum' }]);
  });

  it('[T2] policies read declared arguments only; the ledger keeps these, and of all of them a salted digest', async () => {
    const cedar = `permit(principal, action, resource);
      forbid(principal, action, resource) when { context has operation && context.operation has args && context.operation.args has to
        && context.operation.args.to like "mallory*" };`;
    const admin = async (path: string, body?: object): Promise<{ id: string; version: number }> =>
      (await open.scene.admin('POST', path, body)).body as { id: string; version: number };
    const policy = await admin('/policies', { name: 'payees', cedar });
    const set = await admin('/policy-sets', { policies: [policy.id] });
    await admin(`/policy-sets/${set.version}/activate`);
    expect((await call(sum({ amount: 1, to: 'mallory' }))).body.code).toBe('access_denied');
    const args = { note: 'private', to: 'bob', amount: 1 };
    const { headers, status } = await call(sum(args));
    expect(status).toBe(200);
    const index = Number(headers.get('authority-receipt')?.split('/')[1]);
    const found = (await open.scene.entries('type=gateway.request')).find((entry) => entry.index === index)?.entry;
    const policyRecord = found?.['policy'] as { input: { context: { operation: { args: object } } } };
    expect(policyRecord.input.context.operation.args).toEqual({ amount: 1, to: 'bob' });
    expect(JSON.stringify(found)).not.toContain('private');
    const { salt, sha256 } = (found?.['operation'] as { mcp: { arguments: { salt: string; sha256: string } } }).mcp
      .arguments;
    const digest = createHash('sha256').update(Buffer.from(salt, 'base64url'));
    expect(digest.update('{"amount":1,"note":"private","to":"bob"}').digest('base64url')).toBe(sha256);
    const mistyped = await open.scene.admin('POST', '/policies', {
      name: 'reads an integer as a text',
      cedar: `permit(principal, action, resource) when { context has operation && context.operation has args
        && context.operation.args has amount && context.operation.args.amount like "1*" };`,
    });
    expect(mistyped.status).toBe(400);
  });

  it('[T2] where no operation declares arguments, policies see none and the ledger says so; a rehearsal cannot tell', async () => {
    const { headers, status } = await call(rpc(1, 'prompts/get', { name: 'greet', arguments: { who: 'private' } }));
    expect(status).toBe(200);
    const index = Number(headers.get('authority-receipt')?.split('/')[1]);
    const found = (await open.scene.entries('type=gateway.request')).find((entry) => entry.index === index)?.entry;
    const { sha256 } = (found?.['operation'] as { mcp: { arguments: { sha256: string } } }).mcp.arguments;
    const policyRecord = found?.['policy'] as { input: { context: { operation: { args: object } } } };
    expect(policyRecord.input.context.operation.args).toEqual({ sha256 });
    expect(JSON.stringify(found)).not.toContain('private');
    const rehearsed = await open.scene.admin('POST', '/policy/rehearse', {
      cedar: 'permit(principal, action, resource) unless { context has operation && context.operation has args };',
    });
    expect((rehearsed.body as { changed: object[] }).changed).toContainEqual(
      expect.objectContaining({ index, before: 'allow', after: 'indeterminate' }),
    );
    const explained = await open.scene.admin('POST', '/policy/explain', { index });
    expect(explained).toMatchObject({ status: 200, body: { decision: 'allow' } });
  });

  it.each([
    [{ mcp_tool: 'a', scope: 'read', args: { x: { type: 'string', max_length: 5 } } }, 'operations.0.args.x'],
    [{ mcp_tool: 'a', scope: 'read', args: {} }, 'operations.0.args'],
    [{ mcp_tool: 'a', mcp_prompt: 'b', scope: 'read' }, 'operations.0'],
    [{ mcp_prompt: 'a', scope: 'read', args: { x: { type: 'string' } } }, 'operations.0'],
    [{ mcp_resource: 'a b', scope: 'read' }, 'operations.0.mcp_resource'],
  ])('refuses to declare %j', async (operation, field) => {
    const answer = await open.scene.admin('POST', '/resources', {
      slug: unique('res'),
      upstream_url: server.url,
      mcp: true,
      scopes: [{ name: 'read' }],
      operations: [operation],
    });
    expect([answer.status, (answer.body as { errors: { field: string }[] }).errors[0]?.field]).toEqual([400, field]);
  });

  it('[T2] the template of spend limits holds a call above the limit; the approval is for its amount only', async () => {
    const { items } = (await app.admin('GET', '/v1/policy-templates')).body as {
      items: { name: string; cedar: string }[];
    };
    const cedar = items.find(({ name }) => name === 'spend-limit')?.cedar;
    const paying = await openGateway(app, {
      upstream: server.url,
      scopes: ['pay'],
      members: {
        mcp: true,
        operations: [{ mcp_tool: 'sum', scope: 'pay', args: { amount: { type: 'integer' } } }],
      },
    });
    const admin = async (path: string, body?: object): Promise<{ id: string; version: number }> =>
      (await paying.scene.admin('POST', path, body)).body as { id: string; version: number };
    const policy = await admin('/policies', { name: 'limit', cedar });
    const set = await admin('/policy-sets', { policies: [policy.id] });
    await admin(`/policy-sets/${set.version}/activate`);
    const payer = await paying.mandate();
    const pay = async (amount: number): Promise<McpAnswer> =>
      readAnswer(
        await paying.get('', {
          token: payer,
          method: 'POST',
          body: JSON.stringify(sum({ amount })),
          headers: { 'content-type': 'application/json' },
        }),
      );
    expect((await pay(100)).status).toBe(200);
    expect((await pay(1001)).body.code).toBe('access_denied');
    const held = await pay(101);
    expect(held.body.code).toBe('approval_required');
    const approved = await paying.scene.admin('POST', `/approvals/${held.body.approval.id}/approve`, {});
    expect(approved).toMatchObject({
      status: 200,
      body: { operation: { mcp: { tool: 'sum', args: { amount: 101 } } } },
    });
    expect((await pay(1000)).body.code).toBe('approval_required');
    expect((await pay(101)).status).toBe(200);
    expect((await pay(101)).body.code).toBe('approval_required');
  });
});
