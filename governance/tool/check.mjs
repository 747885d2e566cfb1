/** The rules that the threat model must satisfy. Each returns the faults that it found as lines of text. */

const IDS = Array.from({ length: 12 }, (_, index) => `T${index + 1}`);
const STATUSES = ['active', 'partial', 'planned'];

const tag = (id) => `[${id}]`;
const isOpen = ({ status }) => status !== 'active';

/** Every threat once, complete, and honest about what is open. */
export function checkForm(threats) {
  const ids = threats.map(({ id }) => id);
  const list = IDS.filter((id) => ids.filter((other) => other === id).length !== 1).map(
    (id) => `${id}: not listed exactly once`,
  );
  const unknown = ids.filter((id) => !IDS.includes(id)).map((id) => `${id}: no such threat`);
  return [...list, ...unknown, ...threats.flatMap(checkMembers)];
}

function checkMembers(threat) {
  const missing = ['title', 'statement', 'owner', 'mitigation'].filter((name) => !String(threat[name] ?? '').trim());
  const faults = missing.map((name) => `${threat.id}: no ${name}`);
  if (!STATUSES.includes(threat.status)) faults.push(`${threat.id}: status must be one of ${STATUSES.join(', ')}`);
  const open = threat.open ?? [];
  if (isOpen(threat) !== open.length > 0)
    faults.push(`${threat.id}: "${threat.status}" does not agree with its list of open parts`);
  const vague = open
    .filter(({ what, issue }) => !what || !issue)
    .map(() => `${threat.id}: an open part without what or issue`);
  return [...faults, ...vague];
}

/** Controls are files of this tree; only a planned threat may have none. */
export function checkControls({ threats, boundaries, principles, weaknesses }, isFile) {
  const bare = threats
    .filter(({ status, controls }) => status !== 'planned' && !controls?.length)
    .map(({ id }) => `${id}: no control`);
  const owners = [...threats, ...boundaries, ...principles, ...weaknesses];
  const missing = owners.flatMap(({ id, name, controls }) =>
    (controls ?? []).filter((file) => !isFile(file)).map((file) => `${id ?? name}: control ${file} does not exist`),
  );
  return [...bare, ...missing];
}

/** Each pattern meets a test that carries the threat's id; no test carries the id of a threat that is not listed. */
export function checkTests(threats, names) {
  const strays = names
    .flatMap((name) => name.match(/(?<=\[)T\d+(?=\])/g) ?? [])
    .filter((id) => !threats.some((threat) => threat.id === id))
    .map((id) => `a test carries [${id}], which is not listed`);
  return [...new Set(strays), ...threats.flatMap((threat) => unproven(threat, names))];
}

function unproven({ id, status, verification = [] }, names) {
  const own = names.filter((name) => name.includes(tag(id)));
  if (status !== 'planned' && verification.length === 0) return [`${id}: no verification`];
  if (status !== 'planned' && own.length === 0) return [`${id}: no test carries ${tag(id)}`];
  return verification
    .filter((pattern) => !own.some((name) => new RegExp(pattern, 'i').test(name)))
    .map((pattern) => `${id}: no test with ${tag(id)} matches /${pattern}/`);
}

/** In the run that was recorded, each pattern's tests ran and every test of a threat passed. */
export function checkResults(threats, results) {
  const passed = results.filter(({ status }) => status === 'passed').map(({ name }) => name);
  const failed = results
    .filter(({ name, status }) => status === 'failed' && /\[T\d+\]/.test(name))
    .map(({ name }) => `failed: ${name}`);
  const idle = threats
    .flatMap((threat) => unproven(threat, passed))
    .map((fault) => `${fault} among the tests that passed`);
  return [...failed, ...idle];
}

/** One line per threat: what the recorded run proves of it. */
export function evidence(threats, results) {
  return threats.map(({ id, title, status }) => {
    const passed = results.filter((result) => result.name.includes(tag(id)) && result.status === 'passed').length;
    return `${id.padEnd(3)} ${status.padEnd(7)} ${String(passed).padStart(4)} tests passed  ${title}`;
  });
}

/** One line per open part. */
export function openParts(threats) {
  return threats.flatMap(({ id, open = [] }) => open.map(({ what, issue }) => `${id} open: ${what} (${issue})`));
}
