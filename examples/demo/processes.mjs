/** Child processes that end with the demonstration, and free ports for them. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';

const running = [];

/**
 * Starts a program and resolves with `{answer, pid, stop}` when `ready(text so far)` answers something.
 * Rejects with the end of its output when it exits first.
 */
export function start(name, { args, env = {}, cwd, ready }) {
  // A process group of its own: an interrupt at the terminal reaches this process first, which then stops the others in order.
  const child = spawn(process.execPath, args, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  running.push(child);
  return new Promise((resolve, reject) => {
    let text = '';
    const take = (chunk) => {
      text = (text + chunk).slice(-20_000);
      const answer = ready(text);
      if (answer !== undefined) resolve({ answer, pid: child.pid, stop: () => stop(child) });
    };
    child.stdout.setEncoding('utf8').on('data', take);
    child.stderr.setEncoding('utf8').on('data', take);
    child.once('error', reject);
    child.once('exit', (code) =>
      reject(new Error(`${name} ended with ${code} before it was ready:\n${text.slice(-2_000)}`)),
    );
  });
}

/** Stops every program that still runs, last started first. */
export async function stopAll() {
  for (const child of running.splice(0).reverse()) await stop(child);
}

/** One that does not end in ten seconds is killed. */
async function stop(child) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGTERM');
  const forced = setTimeout(() => child.kill('SIGKILL'), 10_000);
  await gone;
  clearTimeout(forced);
}

export async function freePort() {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address();
  probe.close();
  await once(probe, 'close');
  return port;
}
