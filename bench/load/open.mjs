/**
 * Open loop, as a process of its own: requests start when the clock says so, whether or not earlier ones have been answered, and a request's
 * latency counts from the moment it should have started. Prints one JSON line; latencies are milliseconds.
 */
import { Pool } from 'undici';

const { target, rate, seconds, warmUp = 0 } = JSON.parse(process.argv[2]);
const { origin, pathname, search } = new URL(target.url);
const { method = 'GET', headers = {}, body = null } = target;
const pool = new Pool(origin, { connections: 256, pipelining: 1 });
const latencies = [];
let failed = 0;
let open = 0;

async function send(due) {
  open += 1;
  try {
    const answer = await pool.request({ path: `${pathname}${search}`, method, headers, body });
    await answer.body.dump();
    if (answer.statusCode >= 300) failed += 1;
    else if (due >= measured) latencies.push(performance.now() - due);
  } catch {
    failed += 1;
  } finally {
    open -= 1;
  }
}

const started = performance.now();
const measured = started + warmUp * 1_000;
const end = measured + seconds * 1_000;
const gap = 1_000 / rate;
let next = started;
await new Promise((resolve) => {
  const tick = () => {
    const now = performance.now();
    for (; next <= now && next < end; next += gap) void send(next);
    if (next >= end) return resolve();
    // A timer is a millisecond coarse, for every target alike; asking in between would take the server's processor.
    setTimeout(tick, 1);
  };
  tick();
});
for (let waited = 0; open > 0 && waited < 200; waited += 1) await new Promise((resolve) => setTimeout(resolve, 50));
latencies.sort((a, b) => a - b);
const at = (share) => latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))] ?? null;
process.stdout.write(
  `${JSON.stringify({ sent: latencies.length, failed: failed + open, p50: at(0.5), p99: at(0.99), max: at(1) })}\n`,
);
process.exit(0);
