import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { newDataDir, removeDataDir, startServer, type ServerProcess } from '../support/server.js';

const README = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
const QUICK_START = /<!-- quick start -->\n```sh\n([\s\S]*?)```/.exec(README)?.[1] ?? '';

/** The upstream of the README's second block. */
async function startUpstream(): Promise<Server> {
  const upstream = createServer((request, response) => {
    const known = request.headers.authorization === 'Bearer upstream-secret';
    response
      .writeHead(known ? 200 : 401)
      .end(`${request.method} ${request.url}: ${known ? 'welcome' : 'who are you?'}\n`);
  });
  upstream.listen(0, '127.0.0.1');
  await once(upstream, 'listening');
  return upstream;
}

async function runInShell(script: string, env: Readonly<Record<string, string>>): Promise<string> {
  const shell = spawn('bash', ['-euo', 'pipefail', '-c', script], { env: { ...process.env, ...env } });
  let text = '';
  for (const stream of [shell.stdout, shell.stderr]) stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
  const [code] = (await once(shell, 'close')) as [number];
  return `${text}\nexit ${code}`;
}

describe('the quick start of the README', () => {
  let dataDir: string;
  let server: ServerProcess;
  let upstream: Server;
  let output: string;

  beforeAll(async () => {
    dataDir = await newDataDir();
    upstream = await startUpstream();
    server = await startServer(dataDir, { EGRESS_ALLOW_LOOPBACK: 'true' });
    output = await runInShell(QUICK_START, {
      BASE: server.url,
      UPSTREAM: `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`,
      DATA_DIR: dataDir,
    });
  });

  afterAll(async () => {
    await server?.end('SIGTERM');
    upstream?.close();
    await removeDataDir(dataDir);
  });

  it('ends well', () => {
    expect(output).toMatch(/exit 0$/);
  });

  it('calls the upstream with its own credential, and points to the entry in the ledger', () => {
    expect(output).toContain('GET /greetings/world?lang=en: welcome');
    expect(output).toMatch(/^authority-receipt: demo\/\d+\r?$/im);
  });

  it('is refused what the resource does not declare', () => {
    expect(output).toMatch(/^caracal-error: operation_not_permitted\r?$/im);
  });

  it('is refused at once after the revocation', () => {
    expect(output).toMatch(/^caracal-error: (revoked|invalid_token)\r?$/im);
  });

  it('shows what happened, and no secret', () => {
    const events = JSON.parse(output.slice(output.lastIndexOf('{"items"')).split('\n')[0] ?? '') as {
      items: { entry: { type: string } }[];
    };
    expect(events.items.map(({ entry }) => entry.type)).toContain('gateway.request');
    expect(output.slice(output.lastIndexOf('{"items"'))).not.toContain('upstream-secret');
  });
});
