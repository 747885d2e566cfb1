/** Prints what happens and stops the demonstration at the first thing that is not as it should be. */

export class Difference extends Error {}

let number = 0;

/** Runs one step: its title first, then what it says, then how long it took. */
export async function step(title, run) {
  number += 1;
  const started = performance.now();
  process.stdout.write(`\n${String(number).padStart(2)}. ${title}\n`);
  try {
    return await run();
  } finally {
    process.stdout.write(`    (${Math.round(performance.now() - started)} ms)\n`);
  }
}

/** One line of a step. */
export function say(text) {
  process.stdout.write(`    ${text}\n`);
}

/** What must be so: said when it is, and the end of the demonstration when it is not. */
export function expect(claim, actual, expected) {
  const isSo = expected instanceof RegExp ? expected.test(String(actual)) : Object.is(actual, expected);
  if (!isSo) throw new Difference(`${claim}: expected ${String(expected)}, got ${shown(actual)}`);
  say(`ok  ${claim}: ${shown(actual)}`);
}

function shown(value) {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value));
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}
