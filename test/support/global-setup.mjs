/**
 * Starts one real PostgreSQL for the integration and e2e projects and leaves the superuser's DSN in
 * `TEST_POSTGRES_DSN`. When that is already set (the other project's setup, or a server of your own) it is used as it is.
 */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const KEEPER = fileURLToPath(new URL('./postgres-keeper.mjs', import.meta.url));

function firstLine(child) {
  return new Promise((resolve, reject) => {
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (chunk) => {
      text += chunk;
      if (text.includes('\n')) resolve(text.slice(0, text.indexOf('\n')));
    });
    child.once('error', reject);
    child.once('exit', (code) =>
      reject(new Error(`the test database's keeper ended with ${code} before it was ready`)),
    );
  });
}

export default async function globalSetup() {
  if (process.env.TEST_POSTGRES_DSN) return;
  const keeper = spawn(process.execPath, [KEEPER], { detached: true, stdio: ['pipe', 'pipe', 'inherit'] });
  process.env.TEST_POSTGRES_DSN = JSON.parse(await firstLine(keeper)).dsn;
  // The keeper must not hold the test run open; closing its standard input (teardown, or our death) ends it.
  keeper.unref();
  keeper.stdin.unref();
  keeper.stdout.unref();
  globalThis.testPostgresKeeper = keeper;
}
