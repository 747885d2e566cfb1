import { parseArgs } from 'node:util';

export const USAGE = `usage: npm run verify -- <directory | URL> --key <vkey> [--token-file <file>]
       npm run verify -- proof <receipt> --key <vkey> (--entry <file> | --leaf <hex>)
       npm run verify -- diff <checkpoint> <checkpoint> --key <vkey> [--log <URL> | --consistency <file>]
       npm run verify -- watch <URL> --key <vkey> [--every <seconds>] [--stale <seconds>] [--rounds <number>] [--state <file>]
       npm run verify -- handover <note> --key <vkey>
       npm run verify -- --data-dir <dir> [--dsn <postgres://…>] [--zone <slug>]
       --key again, for each key that the log had before, newest first`;

/** What to verify, with what. */
export type VerifyArguments =
  | {
      readonly mode: 'target';
      readonly target: string;
      readonly keys: readonly string[];
      readonly tokenFile?: string | undefined;
    }
  | {
      readonly mode: 'proof';
      readonly receipt: string;
      readonly keys: readonly string[];
      readonly entryFile?: string | undefined;
      readonly leaf?: string | undefined;
    }
  | {
      readonly mode: 'diff';
      readonly files: readonly [string, string];
      readonly keys: readonly string[];
      readonly log?: string | undefined;
      readonly consistencyFile?: string | undefined;
    }
  | {
      readonly mode: 'watch';
      readonly url: string;
      readonly keys: readonly string[];
      readonly everySeconds: number;
      readonly staleSeconds: number;
      readonly rounds: number;
      readonly stateFile?: string | undefined;
    }
  | { readonly mode: 'handover'; readonly note: string; readonly keys: readonly string[] }
  | ({ readonly mode: 'database' } & DatabaseTarget);

/** The ledger of one zone or of all, with the key and (unless a DSN is given) the database of a data directory. */
export interface DatabaseTarget {
  readonly dataDir: string;
  readonly dsn: string | undefined;
  readonly zone: string | undefined;
}

const OPTIONS = [
  'key',
  'token-file',
  'entry',
  'leaf',
  'log',
  'consistency',
  'every',
  'stale',
  'rounds',
  'state',
  'data-dir',
  'dsn',
  'zone',
] as const;
type Option = (typeof OPTIONS)[number];
type Values = Partial<Record<Exclude<Option, 'key'>, string>> & { readonly key?: string[] };

/** Undefined when the arguments are not understood. */
export function parseVerifyArguments(argv: readonly string[]): VerifyArguments | undefined {
  try {
    const options = Object.fromEntries(
      OPTIONS.map((name) => [name, { type: 'string' as const, multiple: name === 'key' }]),
    );
    const { values, positionals } = parseArgs({ args: [...argv], options, allowPositionals: true });
    return read(positionals, values);
  } catch {
    return undefined;
  }
}

function read(positionals: readonly string[], values: Values): VerifyArguments | undefined {
  const { key: keys } = values;
  if (positionals.length === 0) return readDatabase(values);
  if (keys === undefined) return undefined;
  const [first = '', ...rest] = positionals;
  return rest.length === 0 ? readTarget(first, keys, values) : readCommand(first, rest, { keys, values });
}

function readCommand(
  command: string,
  [one = '', two, ...more]: readonly string[],
  { keys, values }: { readonly keys: readonly string[]; readonly values: Values },
): VerifyArguments | undefined {
  if (more.length > 0) return undefined;
  if (two !== undefined) return command === 'diff' ? readDiff([one, two], keys, values) : undefined;
  if (command === 'proof') return readProof(one, keys, values);
  if (command === 'handover') return only(values, ['key']) && { mode: 'handover', note: one, keys };
  return command === 'watch' ? readWatch(one, keys, values) : undefined;
}

function readTarget(target: string, keys: readonly string[], values: Values): VerifyArguments | undefined {
  return only(values, ['key', 'token-file']) && { mode: 'target', target, keys, tokenFile: values['token-file'] };
}

function readDatabase(values: Values): VerifyArguments | undefined {
  const dataDir = values['data-dir'];
  if (dataDir === undefined || !only(values, ['data-dir', 'dsn', 'zone'])) return undefined;
  return { mode: 'database', dataDir, dsn: values.dsn, zone: values.zone };
}

function readProof(receipt: string, keys: readonly string[], values: Values): VerifyArguments | undefined {
  const { entry, leaf } = values;
  const one = (entry === undefined) !== (leaf === undefined);
  if (!one || !only(values, ['key', 'entry', 'leaf']) || (leaf !== undefined && !/^[0-9a-f]{64}$/.test(leaf)))
    return undefined;
  return { mode: 'proof', receipt, keys, entryFile: entry, leaf };
}

function readDiff(
  files: readonly [string, string],
  keys: readonly string[],
  values: Values,
): VerifyArguments | undefined {
  const { log, consistency } = values;
  if (!only(values, ['key', 'log', 'consistency']) || (log !== undefined && consistency !== undefined))
    return undefined;
  return { mode: 'diff', files, keys, log, consistencyFile: consistency };
}

function readWatch(url: string, keys: readonly string[], values: Values): VerifyArguments | undefined {
  const numbers = [values.every ?? '5', values.stale ?? '3600', values.rounds ?? 'Infinity'].map(Number);
  const [everySeconds = 0, staleSeconds = 0, rounds = 0] = numbers;
  if (!only(values, ['key', 'every', 'stale', 'rounds', 'state']) || !numbers.every((number) => number > 0))
    return undefined;
  return { mode: 'watch', url, keys, everySeconds, staleSeconds, rounds, stateFile: values.state };
}

/** True when no other option was given. */
function only(values: Values, allowed: readonly Option[]): true | undefined {
  return Object.keys(values).every((name) => allowed.includes(name as Option)) || undefined;
}
