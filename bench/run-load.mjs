/** Runs a load program as a process of its own and resolves with the JSON line it prints. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

export async function runLoad(name, argument) {
  const script = fileURLToPath(new URL(`./load/${name}.mjs`, import.meta.url));
  const child = spawn(process.execPath, [script, JSON.stringify(argument)], { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (chunk) => (text += chunk));
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`load ${name} ended with ${code}`);
  return JSON.parse(text);
}
