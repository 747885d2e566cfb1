/**
 * `npm run bench`: every scenario against its ruler in the same run, on the built server with its embedded PostgreSQL. Prints one table and
 * writes bench/results/<date>.json. A benchmark is no test: it exits 0 whatever the figures are, and 1 when the work could not be done.
 */
import { execFileSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { availableParallelism, cpus, loadavg } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { stopAll } from '../examples/demo/processes.mjs';
import { build } from '../examples/demo/server.mjs';
import { closeEnvironment, openEnvironment, workDirectory } from './environment.mjs';
import { parseOptions, USAGE } from './options.mjs';
import { cut } from './scenarios/cut.mjs';
import { growthScenarios } from './scenarios/growth.mjs';
import { killScenarios } from './scenarios/kill.mjs';
import { ledger, ledgerGrowth, ledgerLatency } from './scenarios/ledger.mjs';
import { mcp } from './scenarios/mcp.mjs';
import { killOnOtherReplica } from './scenarios/replica.mjs';
import { starts } from './scenarios/start.mjs';
import { stream } from './scenarios/stream.mjs';
import { throughputScenarios } from './scenarios/throughput.mjs';
import { verify } from './scenarios/verify.mjs';
import { showProfile } from './profile.mjs';
import { reached, table } from './table.mjs';

const ROOT = fileURLToPath(new URL('../', import.meta.url));

const scenarios = {
  ...throughputScenarios,
  mcp,
  ledger,
  'ledger-latency': ledgerLatency,
  'ledger-growth': ledgerGrowth,
  verify,
  stream,
  ...killScenarios,
  'kill-replica': killOnOtherReplica,
  cut,
  ...growthScenarios,
};
const KNOWN = ['start', ...Object.keys(scenarios)];
/** What takes too long to be run unless it is named. */
const ON_DEMAND = new Set(['ledger-growth', ...Object.keys(growthScenarios)]);

async function main(options) {
  build();
  const directory = await workDirectory();
  const rows = [];
  const say = (text) => process.stderr.write(`${new Date().toISOString().slice(11, 19)} ${text}\n`);
  try {
    if (options.names.includes('start')) {
      say('start');
      rows.push(...(await starts(directory, options)));
    }
    const wanted = options.names.filter((name) => name in scenarios);
    const env = wanted.length > 0 ? await openEnvironment(directory, options) : undefined;
    for (const name of wanted) {
      say(name);
      rows.push(await scenarios[name](env, options));
    }
    process.stdout.write(`\n${table(rows)}\n`);
    if (options.profile) await showProfile(directory, env);
    if (options.file) await save({ rows, env, options });
  } finally {
    await stopAll();
    await closeEnvironment(directory);
  }
}

async function save({ rows, env, options }) {
  const date = new Date().toISOString();
  const file = path.join(ROOT, 'bench/results', `${date.slice(0, 10)}.json`);
  const machine = { cpu: cpus()[0]?.model, processors: availableParallelism(), load: loadavg(), node: process.version };
  const settings = {
    quick: options.quick,
    rounds: options.rounds,
    seconds: options.seconds,
    connections: options.connections,
  };
  const results = rows.map((row) => ({ ...row, reached: reached(row) ?? null }));
  const report = {
    date,
    commit: commit(),
    machine,
    settings,
    database: env?.durability ?? null,
    policies: env?.policies ?? null,
    results,
  };
  await writeFile(file, `${JSON.stringify(report, undefined, 2)}\n`);
  process.stdout.write(`\nwritten to ${path.relative(process.cwd(), file)}\n`);
}

function commit() {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], {
      cwd: ROOT,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  } catch {
    return null;
  }
}

const options = parseOptions(process.argv.slice(2), KNOWN, ON_DEMAND);
if (options === undefined) {
  process.stderr.write(`${USAGE}\n`);
  process.exit(2);
}
if (options.list) {
  process.stdout.write(`${KNOWN.join('\n')}\n`);
  process.exit(0);
}
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => void stopAll().finally(() => process.exit(1)));
main(options).then(
  () => process.exit(0),
  (error) => {
    process.stderr.write(`bench: ${error?.stack ?? error}\n`);
    process.exit(1);
  },
);
