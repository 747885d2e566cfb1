import { verifyDatabase } from './verify-database.js';
import { parseVerifyArguments, USAGE } from './verify-arguments.js';

/**
 * `npm run verify -- --data-dir <dir> [--dsn <dsn>] [--zone <slug>]`: checks the ledger in the database with the chain key of the
 * data directory. Exit 0: untouched; 1: the first fault of each faulty zone is printed; 2: it could not be run.
 */
async function main(): Promise<number> {
  const wanted = parseVerifyArguments(process.argv.slice(2));
  if (!wanted) {
    process.stderr.write(`${USAGE}\n`);
    return 2;
  }
  const reports = await verifyDatabase(wanted);
  for (const { zone, size, fault } of reports) {
    if (fault)
      process.stdout.write(
        `${zone}: ${fault.index === undefined ? 'head' : `index ${fault.index}`}: ${fault.reason}\n`,
      );
    else process.stdout.write(`${zone}: ${size} entries verified\n`);
  }
  return reports.some((report) => report.fault) ? 1 : 0;
}

main().then(
  (code) => (process.exitCode = code),
  (error: unknown) => {
    process.stderr.write(`verify: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 2;
  },
);
