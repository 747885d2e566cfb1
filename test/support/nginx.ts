import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** Whether an nginx can be started here. */
export function nginxIsPresent(): boolean {
  return spawnSync('nginx', ['-v'], { stdio: 'ignore' }).status === 0;
}

export interface Nginx {
  readonly port: number;
  stop(): Promise<void>;
}

/** An nginx of its own on loopback; `server` is what its one `server` block holds beside `listen`, `flags` what `listen` says after the port. */
export async function startNginx(options: {
  readonly flags: string;
  readonly server: string;
  readonly files: Readonly<Record<string, string | Buffer>>;
}): Promise<Nginx> {
  const directory = await mkdtemp(path.join(tmpdir(), 'caracal-test-nginx-'));
  const port = await freePort();
  for (const [name, content] of Object.entries(options.files)) await writeFile(path.join(directory, name), content);
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((kind) => `${kind}_temp_path ${kind};`);
  const configuration = `daemon off; master_process off; pid nginx.pid; error_log stderr;
events { worker_connections 256; }
http { access_log off; default_type text/plain; ${temporary.join(' ')}
server { listen 127.0.0.1:${port} ${options.flags}; root ${directory}; ${options.server} } }`;
  await writeFile(path.join(directory, 'nginx.conf'), configuration);
  const server = spawn('nginx', ['-p', directory, '-c', 'nginx.conf', '-e', 'stderr'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  server.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  let running = true;
  server.once('exit', () => (running = false));
  while (!(await answers(port))) {
    if (!running) throw new Error(`the test nginx did not start: ${said}`);
  }
  return {
    port,
    stop: async () => {
      if (running) {
        server.kill('SIGKILL');
        await once(server, 'exit');
      }
      await rm(directory, { recursive: true, force: true });
    },
  };
}

async function answers(port: number): Promise<boolean> {
  await new Promise((resolve) => setTimeout(resolve, 25));
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  await once(probe, 'close');
  return typeof address === 'object' && address ? address.port : 0;
}
