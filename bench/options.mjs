/** What was asked for on the command line. */
import { parseArgs } from 'node:util';

export const USAGE = `usage: npm run bench -- [--quick] [--only <name>[,<name>…]] [--no-file] [--profile] [--list]
  --quick    shorter and fewer rounds: for a look, not for a result
  --only     these scenarios alone; what grows (ledger-growth, growth-…) runs only so
  --no-file  print the table and write no file
  --profile  sample the server's processor time, print where it went; figures are then lower
  --list     print the scenarios' names`;

const FULL = {
  rounds: 3,
  seconds: 8,
  warmUp: 5,
  connections: 64,
  starts: 3,
  kills: 20,
  streamBytes: 2 ** 30,
  idleSeconds: 10,
};
const QUICK = { ...FULL, rounds: 1, seconds: 3, warmUp: 1, starts: 1, kills: 5, streamBytes: 2 ** 27, idleSeconds: 3 };

/** Undefined when the arguments are not understood. What is `onDemand` is run only when it is named. */
export function parseOptions(argv, known, onDemand = new Set()) {
  const options = {
    quick: { type: 'boolean' },
    only: { type: 'string' },
    'no-file': { type: 'boolean' },
    profile: { type: 'boolean' },
    list: { type: 'boolean' },
  };
  try {
    const { values } = parseArgs({ args: argv, options });
    const names = values.only === undefined ? known.filter((name) => !onDemand.has(name)) : values.only.split(',');
    if (names.some((name) => !known.includes(name))) return undefined;
    return {
      names,
      list: values.list ?? false,
      quick: values.quick ?? false,
      file: !values['no-file'],
      profile: values.profile ?? false,
      ...(values.quick ? QUICK : FULL),
    };
  } catch {
    return undefined;
  }
}
