/** Where the server's processor time went: the functions with the most of it, by themselves, from V8's sampling profile. */
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';

const SHOWN = 40;

/** Stops the server, which writes its profile then, and prints the largest shares of the time it was not idle. */
export async function showProfile(directory, env) {
  await env.server.stop();
  const file = (await readdir(directory)).find((name) => name.endsWith('.cpuprofile'));
  if (file === undefined) throw new Error('the server left no profile');
  const { nodes, samples, timeDeltas } = JSON.parse(await readFile(path.join(directory, file), 'utf8'));
  const names = new Map(nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]));
  const spent = new Map();
  samples.forEach((id, index) => spent.set(names.get(id), (spent.get(names.get(id)) ?? 0) + timeDeltas[index]));
  const idle = spent.get('(idle)') ?? 0;
  spent.delete('(idle)');
  const total = [...spent.values()].reduce((sum, micros) => sum + micros, 0);
  const largest = [...spent].sort(([, a], [, b]) => b - a).slice(0, SHOWN);
  const seconds = (micros) => `${(micros / 1e6).toFixed(1)} s`;
  process.stdout.write(
    `\nthe server worked for ${seconds(total)} and waited for ${seconds(idle)}; by function, without what it calls\n`,
  );
  for (const [name, micros] of largest)
    process.stdout.write(`${((100 * micros) / total).toFixed(1).padStart(5)} %  ${name}\n`);
}

function nameOf({ functionName, url, lineNumber }) {
  const place = url.replace(/^.*\/(node_modules|dist)\//, '$1/');
  return `${functionName || '(anonymous)'} ${place === '' ? '' : `${place}:${lineNumber + 1}`}`.trim();
}
