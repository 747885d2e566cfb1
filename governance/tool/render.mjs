/** THREAT_MODEL.md and ASSURANCE_CASE.md, as text, from the model. */

const NOTE = '<!-- Rendered from governance/*.yaml by `npm run governance:render`; do not edit. -->';

const bullets = (items, line) => items.map((item) => `- ${line(item)}`).join('\n');
const files = (controls = []) => controls.map((file) => `\`${file}\``).join(', ');
const oneLine = (text) => String(text).trim().replace(/\s+/g, ' ');

function threatSection(threat) {
  const open = threat.open ?? [];
  return [
    `## ${threat.id} — ${threat.title}`,
    '',
    oneLine(threat.statement),
    '',
    `- **Owner:** ${threat.owner}`,
    `- **Status:** ${threat.status}`,
    `- **Required mitigation:** ${oneLine(threat.mitigation)}`,
    `- **Controls:** ${files(threat.controls) || 'none yet'}`,
    `- **Verification:** tests named \`[${threat.id}]\`${(threat.verification ?? []).map((pattern) => `, \`/${pattern}/\``).join('')}`,
    ...open.map(({ what, issue }) => `- **Open:** ${oneLine(what)} — *${issue}*`),
    '',
  ].join('\n');
}

export function renderThreatModel({ threats }) {
  const row = ({ id, title, owner, status }) => `| ${id} | ${title} | ${owner} | ${status} |`;
  return [
    '# Threat model',
    '',
    NOTE,
    '',
    'Each threat has an owner, a required mitigation, controls in the tree and tests that carry its id in their names.',
    '`npm run governance:verify` fails when one of these is missing. *Active*: the mitigation is complete. *Partial*: what',
    'exists is tested, and the open parts are listed with the piece of work they belong to. *Planned*: the code that the',
    'threat is about does not exist yet.',
    '',
    '| id | threat | owner | status |',
    '| --- | --- | --- | --- |',
    ...threats.map(row),
    '',
    ...threats.map(threatSection),
  ].join('\n');
}

export function renderAssuranceCase({ claim, threats, boundaries, principles, weaknesses }) {
  const named = ({ name, how, controls }) => `**${name}** — ${oneLine(how)} (${files(controls) || 'no code yet'})`;
  const open = threats.filter((threat) => threat.open?.length);
  return [
    '# Assurance case',
    '',
    NOTE,
    '',
    `**Claim.** ${oneLine(claim)}`,
    '',
    'The claim rests on four pillars. Each names the files that carry it; that they exist, and that the tests of each',
    'threat passed, is checked in every run of `npm test` (stages `governance` and `evidence`).',
    '',
    '## 1. The threat model is complete and answered',
    '',
    bullets(threats, ({ id, title, status }) => `[${id}](THREAT_MODEL.md) ${title}: ${status}`),
    '',
    '## 2. Trust boundaries are few and guarded',
    '',
    bullets(boundaries, named),
    '',
    '## 3. Design principles are applied throughout',
    '',
    bullets(principles, named),
    '',
    '## 4. Common weaknesses are countered',
    '',
    bullets(
      weaknesses,
      (item) =>
        `**${item.name}** (${item.cwe}; ${item.threats.join(', ')}) — ${oneLine(item.how)} (${files(item.controls) || 'no code yet'})`,
    ),
    '',
    '## Evidence',
    '',
    'The stage `evidence` of `npm test` reads the results of that same run, fails when a test that carries a threat’s id',
    'failed or a verification pattern met no passing test, and prints the number of passing tests per threat.',
    '',
    '## What is not claimed',
    '',
    bullets(
      open.flatMap(({ id, open: parts }) => parts.map((part) => ({ id, ...part }))),
      ({ id, what, issue }) => `${id}: ${oneLine(what)} — *${issue}*`,
    ),
    '',
  ].join('\n');
}
