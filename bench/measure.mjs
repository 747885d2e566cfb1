/** Rounds and medians. A subject and its ruler take turns, so that what disturbs the machine disturbs both. */
import { runLoad } from './run-load.mjs';

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/**
 * Closed-loop throughput of each target in answers per second: warm-up first, then `rounds` rounds in turn. A target is a function that
 * makes the request anew for each round (tokens end). Throws when anything was refused or failed: that would not be the work meant.
 */
export async function throughputs(targets, { rounds, seconds, warmUp, connections }) {
  const seen = Object.fromEntries(Object.keys(targets).map((name) => [name, []]));
  for (const make of Object.values(targets))
    await runLoad('closed', { target: await make(), connections, seconds: warmUp });
  for (let round = 0; round < rounds; round += 1) {
    for (const [name, make] of Object.entries(targets)) {
      const result = await runLoad('closed', { target: await make(), connections, seconds });
      if (result.refused > 0 || result.failed > 0) {
        throw new Error(`${name}: ${result.refused} refused, ${result.failed} failed of ${result.answered}`);
      }
      seen[name].push(result.perSecond);
    }
  }
  return Object.fromEntries(
    Object.entries(seen).map(([name, values]) => [name, { perSecond: median(values), rounds: values }]),
  );
}

/** Open-loop latencies of each target at one rate: medians over the rounds of each round's p50 and p99. */
export async function latencies(targets, rate, { rounds, seconds }) {
  const seen = Object.fromEntries(Object.keys(targets).map((name) => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (const [name, make] of Object.entries(targets)) {
      const result = await runLoad('open', { target: await make(), rate, seconds, warmUp: 1 });
      if (result.failed > 0)
        throw new Error(`${name}: ${result.failed} failed of ${result.sent} at ${Math.round(rate)}/s`);
      seen[name].push(result);
    }
  }
  const middle = (rows, member) => median(rows.map((row) => row[member]));
  return Object.fromEntries(
    Object.entries(seen).map(([name, rows]) => [name, { p50: middle(rows, 'p50'), p99: middle(rows, 'p99') }]),
  );
}
