/** The two upstreams: programs of other people, started as they are shipped. */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { freePort, start } from './processes.mjs';

const require = createRequire(import.meta.url);

/** The script that a package's `bin` names. */
function binOf(packageName, bin) {
  const manifest = packageJsonOf(packageName);
  const { bin: bins } = JSON.parse(readFileSync(manifest, 'utf8'));
  return path.resolve(path.dirname(manifest), typeof bins === 'string' ? bins : bins[bin]);
}

function packageJsonOf(packageName) {
  for (const base of require.resolve.paths(packageName)) {
    const candidate = path.join(base, packageName, 'package.json');
    try {
      readFileSync(candidate);
      return candidate;
    } catch {
      continue;
    }
  }
  throw new Error(`${packageName} is not installed: run npm ci`);
}

/** An MCP server over streamable HTTP that wants no credential. */
export async function startMcpServer() {
  const port = await freePort();
  await start('server-everything', {
    args: [binOf('@modelcontextprotocol/server-everything', 'mcp-server-everything'), 'streamableHttp'],
    env: { PORT: String(port) },
    ready: (text) => (text.includes('listening on port') ? true : undefined),
  });
  return { url: `http://127.0.0.1:${port}` };
}

/** A package registry that answers nobody without a bearer token; the token is made through its own API. */
export async function startRegistry(directory) {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  await mkdir(path.join(directory, 'storage'), { recursive: true });
  const config = path.join(directory, 'config.yaml');
  await writeFile(config, configuration(directory));
  await start('verdaccio', {
    args: [binOf('verdaccio', 'verdaccio'), '--config', config, '--listen', `127.0.0.1:${port}`],
    cwd: directory,
    ready: (text) => (text.includes(`127.0.0.1:${port}`) ? true : undefined),
  });
  await untilItAnswers(`${url}/-/ping`);
  return { url, token: await signUp(url) };
}

/** Private packages only: no other registry is asked for anything, and everything wants a user. */
function configuration(directory) {
  const rule = { access: '$authenticated', publish: '$authenticated', unpublish: '$authenticated' };
  return JSON.stringify({
    storage: path.join(directory, 'storage'),
    auth: { htpasswd: { file: path.join(directory, 'htpasswd'), max_users: 10 } },
    uplinks: {},
    packages: { '**': rule },
    web: { enable: false },
    log: { type: 'stdout', format: 'json', level: 'http' },
  });
}

async function untilItAnswers(url) {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const answered = await fetch(url).then(
      (answer) => answer.ok,
      () => false,
    );
    if (answered) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`${url} does not answer`);
}

async function signUp(url) {
  const body = { name: 'release-bot', password: randomBytes(18).toString('base64url') };
  const answer = await fetch(`${url}/-/user/org.couchdb.user:release-bot`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const { token } = await answer.json();
  if (answer.status !== 201 || typeof token !== 'string')
    throw new Error(`verdaccio made no token (status ${answer.status})`);
  return token;
}
