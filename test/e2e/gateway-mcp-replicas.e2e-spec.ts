import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startTestApp, type TestApp } from '../support/app.js';
import { type GatewayScene, openGateway } from '../support/gateway-scene.js';
import { type McpUpstream, repliesTo, startMcpUpstream } from '../support/mcp-upstream.js';

let app: TestApp;
let other: TestApp;
let server: McpUpstream;
let gateway: GatewayScene;

beforeAll(async () => {
  app = await startTestApp();
  other = await app.replica({ PUBLIC_URL: app.url });
  server = await startMcpUpstream();
  gateway = await openGateway(app, {
    upstream: server.url,
    members: { mcp: true, operations: [{ mcp_tool: 'echo', scope: 'use' }] },
  });
});

afterAll(async () => {
  await server.close();
  await app.close();
});

async function send(
  base: string,
  token: string,
  method: string,
  headers: Record<string, string> = {},
): Promise<Response> {
  const params = method === 'tools/call' ? { name: 'echo', arguments: {} } : {};
  return fetch(gateway.resource.gateway_url.replace(app.url, base), {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}`, ...headers },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
  });
}

describe('sessions of an MCP server at several replicas', () => {
  it('[T3] are known at every replica as soon as they are named, to the work that opened them and to nobody else', async () => {
    server.answer = ({ text }, response) => {
      response.setHeader('mcp-session-id', 'shared');
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(repliesTo(text)));
    };
    const mine = await gateway.mandate();
    const opened = await send(app.url, mine, 'initialize');
    expect([opened.status, opened.headers.get('mcp-session-id')]).toEqual([200, 'shared']);
    server.answer = undefined;
    const session = { 'mcp-session-id': 'shared' };
    expect((await send(other.url, mine, 'tools/call', session)).status).toBe(200);
    expect((await send(app.url, mine, 'tools/call', session)).status).toBe(200);

    const client = await gateway.scene.client();
    await gateway.scene.grant(client, gateway.resource, ['use']);
    const fields = { grant_type: 'client_credentials', resource: gateway.resource.gateway_url };
    const stranger = await gateway.scene.applicationToken(client, fields);
    for (const base of [app.url, other.url]) {
      const answer = await send(base, stranger, 'tools/call', session);
      expect([base, answer.status, answer.headers.get('caracal-error')]).toEqual([base, 404, 'not_found']);
    }
    expect(server.seen.filter(({ headers }) => headers['mcp-session-id'] === 'shared')).toHaveLength(2);
  });
});
