/** What the threat model is checked against: its own files, the tree, the names of tests and the last run's results. */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

const readYaml = (file) => parse(readFileSync(path.join(ROOT, file), 'utf8'));

export function loadModel() {
  return { ...readYaml('governance/threats.yaml'), ...readYaml('governance/assurance.yaml') };
}

export function isFile(file) {
  return existsSync(path.join(ROOT, file));
}

const SPEC = /\.(spec|int-spec|e2e-spec)\.ts$/;
/** A string that carries a threat's id, as the name of a test or of a group of tests does. */
const TAGGED = /(['"`])((?:(?!\1)[^\n\\]|\\.)*\[T\d+\](?:(?!\1)[^\n\\]|\\.)*)\1/g;

/** Every name in the spec files that carries a threat's id. */
export function taggedNames() {
  const files = ['src', 'test'].flatMap((folder) =>
    readdirSync(path.join(ROOT, folder), { recursive: true }).map((file) => path.join(folder, file)),
  );
  return files
    .filter((file) => SPEC.test(file))
    .flatMap((file) => [...readFileSync(path.join(ROOT, file), 'utf8').matchAll(TAGGED)].map((match) => match[2]));
}

/** Full names of the tests of a run (Jest's JSON, one file per stage), with how each ended. */
export function runResults(folder) {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.json'))
    .map((file) => JSON.parse(readFileSync(path.join(folder, file), 'utf8')))
    .flatMap(({ testResults }) => testResults.flatMap(({ assertionResults }) => assertionResults))
    .map(({ fullName, status }) => ({ name: fullName, status }));
}
