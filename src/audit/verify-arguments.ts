import { parseArgs } from 'node:util';

export const USAGE = 'usage: npm run verify -- --data-dir <dir> [--dsn <postgres://…>] [--zone <slug>]';

/** What to verify: the ledger of one zone or of all, with the key and (unless a DSN is given) the database of a data directory. */
export interface VerifyArguments {
  readonly dataDir: string;
  readonly dsn: string | undefined;
  readonly zone: string | undefined;
}

/** Undefined when the arguments are not understood. */
export function parseVerifyArguments(argv: readonly string[]): VerifyArguments | undefined {
  try {
    const { values } = parseArgs({
      args: [...argv],
      options: { 'data-dir': { type: 'string' }, dsn: { type: 'string' }, zone: { type: 'string' } },
    });
    const dataDir = values['data-dir'];
    return dataDir === undefined ? undefined : { dataDir, dsn: values.dsn, zone: values.zone };
  } catch {
    return undefined;
  }
}
