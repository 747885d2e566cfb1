/** Milliseconds from the command to `listening on`, on an empty data directory and on an existing one, and memory at rest. */
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { startServer } from '../../examples/demo/server.mjs';
import { median } from '../measure.mjs';
import { residentBytes } from '../memory.mjs';

async function timed(dataDir) {
  const begun = performance.now();
  const server = await startServer(dataDir, { LOG_LEVEL: 'warn' });
  return { server, ms: performance.now() - begun };
}

export async function starts(directory, { starts: count, idleSeconds }) {
  const seen = { first: [], cold: [], idle: [] };
  for (let n = 0; n < count; n += 1) {
    const dataDir = path.join(directory, `start-${n}`);
    const first = await timed(dataDir);
    seen.first.push(first.ms);
    await first.server.stop();
    const again = await timed(dataDir);
    seen.cold.push(again.ms);
    await pause(idleSeconds * 1_000);
    seen.idle.push((await residentBytes(again.server.pid)) / 2 ** 20);
    await again.server.stop();
    await rm(dataDir, { recursive: true, force: true });
  }
  return [
    { title: 'first start', value: median(seen.first), unit: 'ms', goal: { atMost: 8_000 }, rounds: seen.first },
    {
      title: 'cold start, existing data',
      value: median(seen.cold),
      unit: 'ms',
      goal: { atMost: 3_000 },
      rounds: seen.cold,
    },
    {
      title: 'idle RSS of the Node process',
      value: median(seen.idle),
      unit: 'MiB',
      goal: { atMost: 220 },
      rounds: seen.idle,
    },
  ];
}
