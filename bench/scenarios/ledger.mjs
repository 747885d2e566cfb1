/** Entries per second of the ledger alone, beside rows that are committed one by one. */
import { median } from '../measure.mjs';
import { runLoad } from '../run-load.mjs';

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
