/**
 * Checks the threat model against the tree (`npm run governance:verify`), against the results of a test run
 * (`--results <folder>`), or writes its two documents anew (`--render`).
 */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { checkControls, checkForm, checkResults, checkTests, evidence, openParts } from './tool/check.mjs';
import { renderAssuranceCase, renderThreatModel } from './tool/render.mjs';
import { ROOT, isFile, loadModel, runResults, taggedNames } from './tool/sources.mjs';

const DOCUMENTS = [
  ['governance/THREAT_MODEL.md', renderThreatModel],
  ['governance/ASSURANCE_CASE.md', renderAssuranceCase],
];

function staleDocuments(model) {
  return DOCUMENTS.filter(
    ([file, render]) => !isFile(file) || readFileSync(path.join(ROOT, file), 'utf8') !== render(model),
  ).map(([file]) => `${file} is not what the model renders: npm run governance:render`);
}

function render(model) {
  for (const [file, draw] of DOCUMENTS) writeFileSync(path.join(ROOT, file), draw(model));
}

function main([mode, folder]) {
  const model = loadModel();
  if (mode === '--render') render(model);
  const { threats } = model;
  const faults = [
    ...checkForm(threats),
    ...checkControls(model, isFile),
    ...checkTests(threats, taggedNames()),
    ...staleDocuments(model),
  ];
  if (mode === '--results') {
    const results = runResults(folder);
    faults.push(...checkResults(threats, results));
    for (const line of evidence(threats, results)) console.log(line);
  }
  for (const line of openParts(threats)) console.log(line);
  for (const fault of faults) console.error(`governance: ${fault}`);
  if (faults.length > 0) process.exitCode = 1;
  else console.log(`governance: ${threats.length} threats hold`);
}

main(process.argv.slice(2));
