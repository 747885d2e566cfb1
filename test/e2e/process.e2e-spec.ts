import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { EmbeddedFixture, query } from '../support/embedded-fixture.js';
import { startServer, type ServerProcess } from '../support/server.js';

const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url));

jest.setTimeout(120_000);

let fixture: EmbeddedFixture;
const servers: ServerProcess[] = [];
beforeEach(() => {
  fixture = new EmbeddedFixture();
});
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.end('SIGKILL')));
  await fixture.cleanUp();
});

async function serve(env: Readonly<Record<string, string>> = {}, dataDir = fixture.dataDir): Promise<ServerProcess> {
  const server = await startServer(dataDir, env);
  servers.push(server);
  return server;
}

/** A start that is expected to fail. */
async function refused(env: Readonly<Record<string, string>>): Promise<{ code: number; out: string; err: string }> {
  const child = spawn(process.execPath, [MAIN], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'] ?? '', PORT: '0', DATA_DIR: fixture.dataDir, ...env },
  });
  const text = { out: '', err: '' };
  child.stdout.on('data', (chunk) => (text.out += String(chunk)));
  child.stderr.on('data', (chunk) => (text.err += String(chunk)));
  const [code] = (await once(child, 'close')) as [number];
  return { code, ...text };
}

function kept(name: string): string {
  return readFileSync(join(fixture.dataDir, 'secrets', name), 'utf8').trim();
}

/** The database's process as its pid file names it; 0 while there is none. */
function postmaster(): number {
  try {
    return Number(readFileSync(join(fixture.dataDir, 'postgres', 'postmaster.pid'), 'utf8').split('\n')[0]);
  } catch {
    return 0;
  }
}

async function zones(server: ServerProcess, token = server.adminToken): Promise<number> {
  return (await fetch(`${server.url}/v1/zones`, { headers: { authorization: `Bearer ${token}` } })).status;
}

describe('the process', () => {
  it('prints where it listens as its one plain line, is ready, and ends with 0 when told to', async () => {
    const server = await serve();
    expect((await fetch(`${server.url}/health/ready`)).status).toBe(200);
    expect(await server.end('SIGTERM')).toBe(0);
    const plain = server
      .output()
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('{'));
    expect(plain.filter((line) => line.startsWith('listening on '))).toEqual([`listening on ${server.url}`]);
    expect(readdirSync(join(fixture.dataDir, 'postgres'))).not.toContain('postmaster.pid');
  });

  it('makes its secrets on the first start and keeps them, also over a kill', async () => {
    const first = await serve();
    expect(first.adminToken).toMatch(/^cat_[0-9A-Za-z]{49}$/);
    expect(await zones(first)).toBe(200);
    await first.end('SIGKILL');
    const second = await serve();
    expect(second.adminToken).toBe(first.adminToken);
    expect(await zones(second)).toBe(200);
    expect(await zones(second, `${first.adminToken.slice(0, -1)}_`)).toBe(401);
  });

  it('[T5] shows no secret in what it prints', async () => {
    const server = await serve({ LOG_LEVEL: 'debug' });
    await zones(server);
    await server.end('SIGTERM');
    const printed = server.output();
    for (const name of readdirSync(join(fixture.dataDir, 'secrets'))) expect(printed).not.toContain(kept(name));
    expect(printed).not.toContain(new URL(kept('operator_dsn')).password);
  });

  it('[T8] comes back by itself as often as its database is killed, also when that happens during its logins', async () => {
    const server = await serve();
    for (let round = 0; round < 4; round += 1) {
      const killed = postmaster();
      process.kill(killed, 'SIGKILL');
      while ([0, killed].includes(postmaster())) await delay(20);
      // Whoever holds a connection logs in again: the next kill comes among these.
      while ((await zones(server)) !== 200) await delay(50);
    }
    expect((await fetch(`${server.url}/health/live`)).status).toBe(200);
  });
});

describe('[T8] the process ends when it is told to', () => {
  it('though its Redis has never been there', async () => {
    const server = await serve({ REDIS_URL: 'redis://127.0.0.1:1' });
    expect(await zones(server)).toBe(200);
    expect(await server.end('SIGTERM')).toBe(0);
  });

  it('and starts its database again, though a child of the one that was killed hangs', async () => {
    const server = await serve();
    const killed = postmaster();
    const children = readFileSync(`/proc/${killed}/task/${killed}/children`, 'utf8').trim().split(' ').map(Number);
    process.kill(children.at(-1) as number, 'SIGSTOP');
    process.kill(killed, 'SIGKILL');
    while ([0, killed].includes(postmaster()) || (await zones(server)) !== 200) await delay(20);
    expect(await server.end('SIGTERM')).toBe(0);
  });
});

describe('a start that is refused', () => {
  it('tells every fault of the configuration on its line and nothing else, and exits with 1', async () => {
    const { code, out, err } = await refused({ NODE_ENV: 'production', PORT: '70000', KEK: 'canary', KEK_FILE: '/x' });
    expect(code).toBe(1);
    expect(out).toBe('');
    expect(err.trimEnd().split('\n')).toEqual([
      'KEK and KEK_FILE are both set; only one may be',
      'PORT must be an integer from 0 to 65535',
      'KEK holds a secret; production takes it only from a file: set KEK_FILE',
      'PUBLIC_URL is required in production',
    ]);
    expect(statSync(fixture.dataDir, { throwIfNoEntry: false })).toBeUndefined();
  });

  it('names the directory and its owner to a second process', async () => {
    const server = await serve();
    const { code, err } = await refused({});
    expect(code).toBe(1);
    expect(err).toMatch(new RegExp(`^the data directory ${fixture.dataDir} is in use by process ${server.pid};`));
    expect(await zones(server)).toBe(200);
  });

  it('names the secret that is not the one the database was set up with', async () => {
    await (await serve()).end('SIGTERM');
    const { code, err } = await refused({ KEK: randomBytes(32).toString('base64') });
    expect(code).toBe(1);
    expect(err).toMatch(/\bkek\b/);
    expect(err).not.toMatch(/pepper|admin_token/);
  });

  it('names the secret that is gone, and makes none in its place', async () => {
    await (await serve()).end('SIGTERM');
    rmSync(join(fixture.dataDir, 'secrets', 'pepper'));
    const { code, err } = await refused({});
    expect([code, err.split(':')[0]]).toEqual([1, 'secret pepper is missing']);
    expect(readdirSync(join(fixture.dataDir, 'secrets'))).not.toContain('pepper');
  });

  it('names the port that is in use, and leaves no database behind', async () => {
    const other = await serve({}, join(fixture.root, 'other'));
    const { code, err } = await refused({ PORT: new URL(other.url).port });
    expect(code).toBe(1);
    expect(err).toMatch(/caracal could not start: .*EADDRINUSE/);
    expect(readdirSync(join(fixture.dataDir, 'postgres'))).not.toContain('postmaster.pid');
    await other.end('SIGTERM');
  });
});

describe('a database of its own beside the process', () => {
  it('is set up once; another process needs the same secrets', async () => {
    const embedded = await fixture.start(join(fixture.root, 'external'));
    await query(embedded.superuserDsn, 'CREATE DATABASE scaled');
    const at = (dsn: string) => Object.assign(new URL(dsn), { pathname: '/scaled' }).href;
    const env = { DATABASE_URL: at(embedded.databaseUrl), DATABASE_MIGRATE_URL: at(embedded.superuserDsn) };
    const first = await serve(env);
    expect(await zones(first)).toBe(200);
    const elsewhere = join(fixture.root, 'replica');
    const without = await refused({ ...env, DATA_DIR: elsewhere });
    expect([without.code, without.err.split('\n').filter(Boolean).length]).toEqual([1, 7]);
    const files = readdirSync(join(fixture.dataDir, 'secrets')).map((name) => [
      `${name.toUpperCase()}_FILE`,
      join(fixture.dataDir, 'secrets', name),
    ]);
    const replica = spawnReplica({
      ...env,
      ...(Object.fromEntries(files) as Record<string, string>),
      DATA_DIR: elsewhere,
    });
    expect(await replica).toBe(0);
  });
});

/** Starts a server that has no secrets of its own, and ends it once it listens. */
async function spawnReplica(env: Readonly<Record<string, string>>): Promise<number | null> {
  const child = spawn(process.execPath, [MAIN], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { PATH: process.env['PATH'] ?? '', PORT: '0', ...env },
  });
  let text = '';
  child.stdout.on('data', (chunk) => {
    text += String(chunk);
    if (!child.killed && /^listening on /m.test(text)) child.kill('SIGTERM');
  });
  const [code] = (await once(child, 'close')) as [number | null];
  return code;
}
