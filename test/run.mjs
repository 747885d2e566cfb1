/**
 * `npm test`: every check and every test, one after the other, whatever fails on the way; then what was left out, and as
 * the very last line `N passed, N failed`. Tests are counted as Jest counts them; a check that fails, a file of tests
 * that does not load and a stage that does not end count as one failure each.
 */
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const RESULTS = path.join(ROOT, 'node_modules/.cache/test-results');
/** A run takes less than 15 minutes; this ends one that hangs, not one on a machine that has other work. */
const TOTAL_MINUTES = 30;
const NODE = process.execPath;
const bin = (file) => path.join('node_modules', file);

const CHECKS = [
  ['format', [NODE, bin('prettier/bin/prettier.cjs'), '--check', '--log-level=warn', '.']],
  ['lint', [NODE, bin('eslint/bin/eslint.js'), '.']],
  ['types', [NODE, bin('typescript/bin/tsc'), '-p', 'tsconfig.test.json', '--noEmit']],
  [
    'imports',
    [NODE, bin('dependency-cruiser/bin/dependency-cruise.mjs'), '--config', '.dependency-cruiser.mjs', 'src'],
  ],
  ['governance', [NODE, 'governance/verify.mjs']],
  ['build', [NODE, bin('typescript/bin/tsc'), '-p', 'tsconfig.json']],
];
const SUITES = [['unit'], ['tooling'], ['integration', 'e2e']];

const deadline = Date.now() + TOTAL_MINUTES * 60_000;
const totals = { passed: 0, failed: 0 };
const leftOut = [];
let current;

function say(line) {
  process.stdout.write(`${line}\n`);
}

/** Runs one program in its own process group, so that what it leaves behind can be stopped with it. */
function run([program, ...args], env = {}) {
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      cwd: ROOT,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'inherit', 'inherit'],
      detached: true,
    });
    current = child;
    const timer = setTimeout(() => stopGroup(child), Math.max(0, deadline - Date.now()));
    const finish = (problem) => {
      clearTimeout(timer);
      current = undefined;
      resolve(problem);
    };
    child.once('error', (error) => finish(error.message));
    child.once('exit', (code, signal) => finish(explain(code, signal)));
  });
}

function explain(code, signal) {
  if (code === 0) return undefined;
  if (code !== null) return `exit status ${code}`;
  return Date.now() >= deadline ? `the whole run may take ${TOTAL_MINUTES} minutes` : `ended by ${signal}`;
}

function stopGroup(child) {
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    child.kill('SIGKILL');
  }
}

async function stage(name, work) {
  say(`\n── ${name}`);
  const started = Date.now();
  const problem = await work();
  const seconds = ((Date.now() - started) / 1_000).toFixed(1);
  say(problem ? `── ${name}: FAILED after ${seconds} s (${problem})` : `── ${name}: ok, ${seconds} s`);
  return problem;
}

async function check(name, command) {
  if (await stage(name, () => run(command))) totals.failed += 1;
}

function count(file) {
  let results;
  try {
    results = JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
  totals.passed += results.numPassedTests;
  totals.failed += results.numFailedTests + results.numRuntimeErrorTestSuites;
  for (const { assertionResults } of results.testResults) {
    const idle = assertionResults.filter(({ status }) => status !== 'passed' && status !== 'failed');
    for (const { fullName, status } of idle) leftOut.push(`${fullName} (${status} in its file)`);
  }
  return results;
}

async function suite(projects) {
  const file = path.join(RESULTS, `${projects.join('-')}.json`);
  const jest = [bin('jest/bin/jest.js'), '--maxWorkers=2', '--passWithNoTests', '--json', `--outputFile=${file}`];
  const flags = ['--disable-warning=ExperimentalWarning', '--experimental-vm-modules', ...jest];
  const problem = await stage(`tests: ${projects.join(', ')}`, () =>
    run([NODE, ...flags, '--selectProjects', ...projects]),
  );
  const results = count(file);
  const explained = results && results.numFailedTests + results.numRuntimeErrorTestSuites > 0;
  if (!results || (problem && !explained)) totals.failed += 1;
}

/** What the tests notice and work without; that it was missing is said, not passed over. */
const OPTIONAL = [
  ['redis-server', 'the queues on their Redis backend'],
  ['nginx', 'the gateway against nginx as TLS and HTTP/2 upstream'],
  ['chromium', 'the approval page in a browser'],
  ['curl', 'the quick start and the gateway driven by curl'],
];

function noteMissingParts() {
  for (const [program, what] of OPTIONAL) {
    if (spawnSync('sh', ['-c', `command -v ${program}`]).status === 0) continue;
    leftOut.push(`${what}: ${program} is not installed (apt-get install ${program})`);
  }
}

async function main() {
  rmSync(RESULTS, { recursive: true, force: true });
  mkdirSync(RESULTS, { recursive: true });
  for (const [name, command] of CHECKS) await check(name, command);
  for (const projects of SUITES) await suite(projects);
  noteMissingParts();
  await check('evidence', [NODE, 'governance/verify.mjs', '--results', RESULTS]);
  say('');
  for (const line of leftOut.length > 0 ? leftOut : ['nothing']) say(`left out: ${line}`);
  if (totals.passed === 0) totals.failed += 1;
  say(`${totals.passed} passed, ${totals.failed} failed`);
  process.exitCode = totals.failed > 0 ? 1 : 0;
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.once(signal, () => {
    if (current) stopGroup(current);
    process.exit(1);
  });
}

await main();
