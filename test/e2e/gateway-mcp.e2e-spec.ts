import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { startTestApp, type TestApp } from '../support/app.js';
import { type GatewayScene, openGateway, startUpstream } from '../support/gateway-scene.js';

const SERVER = fileURLToPath(
  new URL('../../node_modules/@modelcontextprotocol/server-everything/dist/index.js', import.meta.url),
);

let app: TestApp;
let server: ChildProcess;
let gateway: GatewayScene;
let url: string;

/** A port nobody listens on; the server takes it from its environment. */
async function freePort(): Promise<number> {
  const probe = await startUpstream(() => undefined);
  await probe.close();
  return probe.port;
}

beforeAll(async () => {
  app = await startTestApp();
  const port = await freePort();
  url = `http://127.0.0.1:${port}/mcp`;
  server = spawn(process.execPath, [SERVER, 'streamableHttp'], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, PORT: String(port) },
  });
  let printed = '';
  while (!printed.includes(String(port))) {
    const [chunk] = (await Promise.race([
      once(server.stderr as NodeJS.EventEmitter, 'data'),
      once(server.stdout as NodeJS.EventEmitter, 'data'),
    ])) as [Buffer];
    printed += chunk.toString();
  }
  gateway = await openGateway(app, {
    upstream: url,
    scopes: ['echo', 'sum'],
    members: {
      mcp: true,
      operations: [
        { mcp_tool: 'echo', scope: 'echo' },
        { mcp_tool: 'get-sum', scope: 'sum' },
      ],
    },
  });
});

afterAll(async () => {
  server.kill();
  await app.close();
});

async function connectWith(token: string): Promise<Client> {
  const client = new Client({ name: 'test', version: '1' });
  await client.connect(
    // The SDK's own types disagree with each other under exactOptionalPropertyTypes.
    new StreamableHTTPClientTransport(new URL(gateway.resource.gateway_url), {
      requestInit: { headers: { authorization: `Bearer ${token}` } },
    }),
  );
  return client;
}

describe('an MCP server that we did not write, driven by a client that we did not write', () => {
  it('works through the gateway: handshake, lists, and the tools that are granted', async () => {
    const client = await connectWith(await gateway.mandate({ scope: 'echo' }));
    expect((await client.listTools()).tools.map((tool) => tool.name)).toEqual(['echo']);
    expect(await client.callTool({ name: 'echo', arguments: { message: 'hi' } })).toMatchObject({
      content: [{ type: 'text', text: 'Echo: hi' }],
    });
    await client.close();
  });

  it('[T3] a tool of another scope is insufficient_scope, an undeclared one operation_not_permitted', async () => {
    const client = await connectWith(await gateway.mandate({ scope: 'echo' }));
    await expect(client.callTool({ name: 'get-sum', arguments: { a: 1, b: 2 } })).rejects.toThrow(
      /insufficient_scope|403/,
    );
    await expect(client.callTool({ name: 'get-env', arguments: {} })).rejects.toThrow(/operation_not_permitted|403/);
    await client.close();
    const call = { jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'get-sum', arguments: {} } };
    const answer = await gateway.get('', {
      token: await gateway.mandate({ scope: 'echo' }),
      method: 'POST',
      body: JSON.stringify(call),
      headers: { 'content-type': 'application/json' },
    });
    expect([answer.status, answer.headers.get('www-authenticate')]).toEqual([
      403,
      expect.stringContaining('error="insufficient_scope", scope="sum"'),
    ]);
  });

  it('also as plain HTTP with operations on method and path', async () => {
    const plain = await openGateway(app, {
      upstream: url,
      members: {
        operations: ['GET', 'POST', 'DELETE'].map((method) => ({ method, path: '/', scope: 'use' })),
      },
    });
    const client = new Client({ name: 'test', version: '1' });
    const headers = { authorization: `Bearer ${await plain.mandate()}` };
    await client.connect(
      new StreamableHTTPClientTransport(new URL(plain.resource.gateway_url), { requestInit: { headers } }),
    );
    expect(await client.callTool({ name: 'echo', arguments: { message: 'plain' } })).toMatchObject({
      content: [{ text: 'Echo: plain' }],
    });
    await client.close();
  });
});
