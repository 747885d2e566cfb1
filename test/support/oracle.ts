import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** A running oidc-provider. */
export interface Oracle {
  readonly issuer: string;
  close(): Promise<void>;
}

/** Starts oidc-provider in a process of its own, with one client; with accounts whoever comes is who `login_hint` says. */
export async function startOracle(client: object, accounts = false): Promise<Oracle> {
  const script = fileURLToPath(new URL('./run-oidc-provider.mjs', import.meta.url));
  const child = spawn(process.execPath, [script, JSON.stringify(client), ...(accounts ? ['accounts'] : [])], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const lines = createInterface(child.stdout);
  const [issuer] = (await Promise.race([
    once(lines, 'line'),
    once(child, 'exit').then(() => Promise.reject(new Error('the oracle did not start'))),
  ])) as [string];
  return {
    issuer,
    close: async () => {
      if (child.exitCode !== null) return;
      child.kill();
      await once(child, 'exit');
    },
  };
}
