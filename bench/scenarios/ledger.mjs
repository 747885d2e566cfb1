/** The ledger alone: entries per second beside rows that are committed one by one, how long one takes, and whether millions slow it down. */
import { median } from '../measure.mjs';
import { runLoad } from '../run-load.mjs';

const ENOUGH = 10_000_000;

/** Entries per second, beside rows that are committed one by one. */
export async function ledger(env, { rounds, seconds, warmUp }) {
  const { dataDir, dsn } = env;
  const zone = 'bench-ledger';
  await env.admin.create('/zones', { slug: zone, name: 'Ledger alone' });
  const run = (kind, length) => runLoad('ledger', { dataDir, dsn, zone, kind, seconds: length });
  const kinds = ['ledger', 'chained', 'plain'];
  const seen = Object.fromEntries(kinds.map((kind) => [kind, []]));
  for (const kind of kinds) await run(kind, warmUp);
  for (let round = 0; round < rounds; round += 1) {
    for (const kind of kinds) seen[kind].push((await run(kind, seconds)).perSecond);
  }
  const [value, rulerValue] = [median(seen.ledger), median(seen.chained)];
  return {
    title: 'ledger append, 256 concurrent',
    value,
    unit: '/s',
    ruler: 'chained row per commit',
    rulerValue,
    ratio: value / rulerValue,
    goal: { ratio: 4, atLeast: 20_000 },
    note: `rows without a chain, one per commit over 16 connections: ${Math.round(median(seen.plain))} /s`,
    rounds: seen,
  };
}

/** How long an entry takes to be durable when 2 000 a second come. */
export async function ledgerLatency(env, { seconds, warmUp }) {
  const { dataDir, dsn } = env;
  const zone = 'bench-latency';
  await env.admin.create('/zones', { slug: zone, name: 'Ledger at leisure' });
  const run = (length) => runLoad('ledger', { dataDir, dsn, zone, kind: 'ledger', rate: 2_000, seconds: length });
  await run(warmUp);
  const { p50, p99 } = await run(seconds);
  const note = `99th percentile ${p99.toFixed(1)} ms`;
  return { title: 'ledger append at 2,000/s, median', value: p50, unit: 'ms', goal: { atMost: 2 }, note };
}

/** The last million of ten beside the first; takes a quarter of an hour and 20 GB. */
export async function ledgerGrowth(env) {
  const { dataDir, dsn } = env;
  const zone = 'bench-growth';
  await env.admin.create('/zones', { slug: zone, name: 'Ledger that grows' });
  const { steps } = await runLoad('ledger', { dataDir, dsn, zone, kind: 'ledger', entries: ENOUGH });
  const [first, last] = [steps[0], steps.at(-1)];
  return {
    title: 'ledger append, the tenth million',
    value: last,
    unit: '/s',
    ruler: 'the first million',
    rulerValue: first,
    ratio: last / first,
    goal: { ratio: 0.7 },
    note: `each million: ${steps.map((step) => Math.round(step)).join(', ')} /s`,
  };
}
