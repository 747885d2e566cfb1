import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { OAuthClientProvider } from '@modelcontextprotocol/sdk/client/auth.js';
import { ClientCredentialsProvider, PrivateKeyJwtProvider } from '@modelcontextprotocol/sdk/client/auth-extensions.js';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import {
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  LoggingMessageNotificationSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { startTestApp, type TestApp } from '../support/app.js';
import { addResource, type GatewayScene, openGateway, startUpstream, type Upstream } from '../support/gateway-scene.js';
import { created } from '../support/oauth-scene.js';
import { bridgeStdio } from '../support/stdio-bridge.js';

const packageFile = (name: string): string =>
  fileURLToPath(new URL(`../../node_modules/@modelcontextprotocol/${name}`, import.meta.url));
const EVERYTHING = packageFile('server-everything/dist/index.js');
const FILESYSTEM = packageFile('server-filesystem/dist/index.js');
const CONFORMANCE = packageFile('conformance/dist/index.js');
const NEWER_FS = new URL('../support/newer-fs.mjs', import.meta.url).href;

let app: TestApp;
let server: ChildProcess;
let gateway: GatewayScene;
/** In front of the same server, everything open to one scope. */
let open: GatewayScene;
let url: string;

/** A port nobody listens on; the server takes it from its environment. */
async function freePort(): Promise<number> {
  const probe = await startUpstream(() => undefined);
  await probe.close();
  return probe.port;
}

async function startEverything(port: number): Promise<ChildProcess> {
  const child = spawn(process.execPath, [EVERYTHING, 'streamableHttp'], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, PORT: String(port) },
  });
  let printed = '';
  while (!printed.includes(String(port))) {
    const [chunk] = (await Promise.race([once(child.stderr, 'data'), once(child.stdout, 'data')])) as [Buffer];
    printed += chunk.toString();
  }
  return child;
}

beforeAll(async () => {
  app = await startTestApp();
  const port = await freePort();
  url = `http://127.0.0.1:${port}/mcp`;
  server = await startEverything(port);
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
  open = await addResource(gateway.scene, gateway.client, { upstream: url, members: { mcp: true } });
});

afterAll(async () => {
  server.kill();
  await app.close();
});

interface Access {
  readonly token?: string;
  readonly authProvider?: OAuthClientProvider;
}

async function connect(target: string, { token, authProvider }: Access = {}, capabilities = {}): Promise<Client> {
  const client = new Client({ name: 'test', version: '1' }, { capabilities });
  const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const options = { requestInit: { headers }, ...(authProvider ? { authProvider } : {}) };
  // The SDK's own types disagree with each other under exactOptionalPropertyTypes.
  await client.connect(new StreamableHTTPClientTransport(new URL(target), options));
  return client;
}

const through = async (scene: GatewayScene, scope?: string, capabilities = {}): Promise<Client> =>
  connect(scene.resource.gateway_url, { token: await scene.mandate(scope ? { scope } : {}) }, capabilities);

describe('an MCP server that we did not write, driven by a client that we did not write', () => {
  it('works through the gateway: handshake, lists, and the tools that are granted', async () => {
    const client = await through(gateway, 'echo');
    expect((await client.listTools()).tools.map((tool) => tool.name)).toEqual(['echo']);
    expect((await client.listPrompts()).prompts).toEqual([]);
    expect((await client.listResources()).resources).toEqual([]);
    expect(await client.callTool({ name: 'echo', arguments: { message: 'hi' } })).toMatchObject({
      content: [{ type: 'text', text: 'Echo: hi' }],
    });
    await client.close();
  });

  it('[T3] a tool of another scope is insufficient_scope, an undeclared one operation_not_permitted', async () => {
    const client = await through(gateway, 'echo');
    await expect(client.callTool({ name: 'get-sum', arguments: { a: 1, b: 2 } })).rejects.toThrow(
      /insufficient_scope|403/,
    );
    await expect(client.callTool({ name: 'get-env', arguments: {} })).rejects.toThrow(/operation_not_permitted|403/);
    await client.close();
  });

  it('says the same as the server says without us, but for the mark on lists', async () => {
    const [direct, governed] = [await connect(url), await through(open)];
    const ask = async (client: Client): Promise<unknown[]> => [
      client.getServerCapabilities(),
      client.getServerVersion(),
      client.getInstructions(),
      (await client.listTools()).tools,
      (await client.listPrompts()).prompts,
      (await client.listResources()).resources,
      (await client.listResourceTemplates()).resourceTemplates,
      await client.callTool({ name: 'get-sum', arguments: { a: 2, b: 40 } }),
      await client.callTool({ name: 'get-structured-content', arguments: { location: 'New York' } }),
      await client.callTool({ name: 'get-tiny-image', arguments: {} }),
      await client.callTool({ name: 'no-such-tool', arguments: {} }).catch(String),
      await client.getPrompt({ name: 'simple-prompt' }),
      await client.readResource({ uri: (await client.listResources()).resources[0]?.uri ?? '' }),
      await client.readResource({ uri: 'nowhere://x' }).catch(String),
    ];
    expect(await ask(governed)).toEqual(await ask(direct));
    await Promise.all([direct.close(), governed.close()]);
  });

  it('questions of the server reach the client and its answers the server: sampling, elicitation, progress, logging', async () => {
    const client = await through(open, undefined, { sampling: {}, elicitation: { form: {} } });
    client.setRequestHandler(CreateMessageRequestSchema, () => ({
      model: 'm',
      role: 'assistant' as const,
      content: { type: 'text' as const, text: 'sampled' },
    }));
    client.setRequestHandler(ElicitRequestSchema, () => ({ action: 'decline' as const }));
    const logged = new Promise((resolve) => client.setNotificationHandler(LoggingMessageNotificationSchema, resolve));
    const sampled = await client.callTool({
      name: 'trigger-sampling-request',
      arguments: { prompt: 'p', maxTokens: 5 },
    });
    expect(JSON.stringify(sampled)).toContain('sampled');
    expect(JSON.stringify(await client.callTool({ name: 'trigger-elicitation-request', arguments: {} }))).toMatch(
      /decline/i,
    );
    const steps: number[] = [];
    const onprogress = ({ progress }: { progress: number }): void => void steps.push(progress);
    await client.callTool(
      { name: 'trigger-long-running-operation', arguments: { duration: 0.3, steps: 3 } },
      undefined,
      {
        onprogress,
      },
    );
    expect(steps).toEqual([1, 2, 3]);
    await client.setLoggingLevel('debug');
    await client.callTool({ name: 'toggle-simulated-logging', arguments: {} });
    expect(await logged).toMatchObject({ method: 'notifications/message' });
    await (client.transport as StreamableHTTPClientTransport).terminateSession();
    await client.close();
  });

  it('also as plain HTTP with operations on method and path', async () => {
    const operations = ['GET', 'POST', 'DELETE'].map((method) => ({ method, path: '/', scope: 'use' }));
    const plain = await openGateway(app, { upstream: url, members: { operations } });
    const client = await through(plain);
    expect(await client.callTool({ name: 'echo', arguments: { message: 'plain' } })).toMatchObject({
      content: [{ text: 'Echo: plain' }],
    });
    await client.close();
  });
});

describe('a client that knows the gateway URL and its own credential only (RFC 9728, MCP authorization)', () => {
  const gatewayUrl = (): string => gateway.resource.gateway_url;

  it('finds everything from the 401: client_credentials with a secret', async () => {
    const { id, secret } = gateway.client;
    const authProvider = new ClientCredentialsProvider({
      clientId: id,
      clientSecret: secret,
      expectedIssuer: gateway.scene.issuer,
    });
    const client = await connect(gatewayUrl(), { authProvider });
    expect((await client.listTools()).tools.map((tool) => tool.name)).toEqual(['echo', 'get-sum']);
    expect(await client.callTool({ name: 'get-sum', arguments: { a: 1, b: 2 } })).toMatchObject({
      content: [{ text: expect.stringContaining('3') }],
    });
    await client.close();
  });

  it('finds everything from the 401: private_key_jwt, with less than all scopes', async () => {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const application = created(await gateway.scene.admin('POST', '/applications', { name: 'keyed' }));
    const jwks = { keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'k1', use: 'sig', alg: 'ES256' }] };
    created(await gateway.scene.admin('POST', `/applications/${application.id}/credentials`, { type: 'jwks', jwks }));
    await gateway.scene.grant({ id: application.id as string, secret: '' }, gateway.resource, ['echo']);
    const authProvider = new PrivateKeyJwtProvider({
      clientId: application.id as string,
      privateKey: privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(),
      algorithm: 'ES256',
      expectedIssuer: gateway.scene.issuer,
    });
    const client = await connect(gatewayUrl(), { authProvider });
    expect((await client.listTools()).tools.map((tool) => tool.name)).toEqual(['echo']);
    await client.close();
  });
});

describe('a server on standard streams behind the SDK’s own HTTP transport', () => {
  let root: string;
  let bridge: Upstream;
  let files: GatewayScene;

  beforeAll(async () => {
    root = await realpath(await mkdtemp(path.join(tmpdir(), 'caracal-mcp-')));
    await writeFile(path.join(root, 'a.txt'), 'text of a');
    bridge = await bridgeStdio(process.execPath, [FILESYSTEM, root]);
    files = await openGateway(app, {
      upstream: bridge.url,
      scopes: ['read', 'write'],
      members: {
        mcp: true,
        operations: [
          { mcp_tool: 'read_text_file', scope: 'read' },
          { mcp_tool: 'list_directory', scope: 'read' },
          { mcp_tool: 'write_file', scope: 'write' },
        ],
      },
      granted: ['read'],
    });
  });

  afterAll(async () => {
    await bridge.close();
    await rm(root, { recursive: true });
  });

  it('[T3] reads what the grant covers and writes nothing', async () => {
    const client = await through(files);
    expect((await client.listTools()).tools.map((tool) => tool.name).toSorted()).toEqual([
      'list_directory',
      'read_text_file',
    ]);
    const read = await client.callTool({ name: 'read_text_file', arguments: { path: path.join(root, 'a.txt') } });
    expect(read).toMatchObject({ content: [{ text: 'text of a' }] });
    const write = { name: 'write_file', arguments: { path: path.join(root, 'b.txt'), content: 'x' } };
    await expect(client.callTool(write)).rejects.toThrow(/insufficient_scope|403/);
    await expect(client.callTool({ name: 'move_file', arguments: {} })).rejects.toThrow(/403/);
    const listed = await client.callTool({ name: 'list_directory', arguments: { path: root } });
    expect(JSON.stringify(listed)).not.toContain('b.txt');
    await client.close();
  });
});

describe('the conformance runner of the protocol', () => {
  it('finds nothing through the gateway that it does not find without it', async () => {
    const token = await open.mandate();
    // The runner sends no credentials, so a proxy of the test's own adds one.
    const adding = await startUpstream((request, response) => {
      void (async () => {
        const chunks: Buffer[] = [];
        for await (const chunk of request) chunks.push(chunk as Buffer);
        const { host: _host, connection: _connection, 'content-length': _length, ...kept } = request.headers;
        const answer = await fetch(open.resource.gateway_url, {
          method: request.method ?? 'GET',
          headers: { ...(kept as Record<string, string>), authorization: `Bearer ${token}` },
          ...(chunks.length > 0 ? { body: Buffer.concat(chunks) } : {}),
        });
        response.writeHead(answer.status, Object.fromEntries(answer.headers));
        response.flushHeaders();
        for await (const chunk of answer.body ?? []) response.write(chunk);
        response.end();
      })().catch(() => response.destroy());
    });
    const run = async (target: string): Promise<string> => {
      const args = ['--import', NEWER_FS, CONFORMANCE, 'server', '--url', target];
      const cwd = await mkdtemp(path.join(tmpdir(), 'caracal-conformance-'));
      const { stdout } = await promisify(execFile)(process.execPath, args, { cwd }).catch(
        (failed: unknown) => failed as { stdout: string },
      );
      await rm(cwd, { recursive: true });
      return stdout;
    };
    const verdicts = (text: string): string[] => text.split('\n').filter((line) => /^[✓✗]/.test(line));
    const [governed, direct] = [await run(adding.url), await run(url)];
    await adding.close();
    expect(verdicts(direct).length).toBeGreaterThan(10);
    expect(verdicts(governed)).toEqual(verdicts(direct));
  });
});
