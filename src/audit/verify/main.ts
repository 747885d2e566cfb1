import { readFile } from 'node:fs/promises';
import { parseVerifierKeys, type LogVerifiers } from '../domain/log/log-keys.js';
import { parseVerifyArguments, USAGE, type DatabaseTarget, type VerifyArguments } from './arguments.js';
import { compareHeads } from './compare-heads.js';
import { ThreadedChecks } from './lines/line-checks.js';
import { faultLine, reportOf } from './report.js';
import { directorySource, urlSource, type Source } from './sources.js';
import { verifyExport } from './verify-export.js';
import { verifyHandover } from './verify-handover.js';
import { leafOfFile, verifyProof } from './verify-proof.js';
import { verifyTiles } from './verify-tiles.js';
import { watchLog } from './watch-log.js';

type Wanted<Mode extends VerifyArguments['mode']> = Extract<VerifyArguments, { mode: Mode }>;

const EXPORT_URL = /\/audit\/exports\/[^/]+\/?$/;

/**
 * `npm run verify`: a program of its own. It shares nothing with the server but the hashing and the formats, and needs neither the server nor
 * its database unless it is pointed at one. Exit 0: sound; 1: the first fault is printed; 2: it could not be run.
 */
async function main(): Promise<number> {
  const wanted = parseVerifyArguments(process.argv.slice(2));
  if (!wanted) {
    process.stderr.write(`${USAGE}\n`);
    return 2;
  }
  if (wanted.mode === 'database') return checkDatabase(wanted);
  const verifiers = parseVerifierKeys(wanted.keys);
  const report = await reportOf(() => check(wanted, verifiers));
  print('summary' in report ? report.summary : faultLine(report.fault));
  return 'summary' in report ? 0 : 1;
}

async function check(wanted: Exclude<VerifyArguments, { mode: 'database' }>, verifiers: LogVerifiers): Promise<string> {
  switch (wanted.mode) {
    case 'target':
      return checkTarget(wanted, verifiers);
    case 'proof':
      return checkProof(wanted, verifiers);
    case 'diff':
      return checkDiff(wanted, verifiers);
    case 'handover':
      return checkHandover(wanted, verifiers);
    case 'watch':
      return watchLog(urlSource(wanted.url), verifiers, { ...wanted, print });
  }
}

async function checkProof(
  { receipt, leaf, entryFile = '' }: Wanted<'proof'>,
  verifiers: LogVerifiers,
): Promise<string> {
  const hash = leaf === undefined ? leafOfFile(await readFile(entryFile)) : Buffer.from(leaf, 'hex');
  return verifyProof(await readFile(receipt, 'utf8'), hash, verifiers);
}

async function checkHandover({ note }: Wanted<'handover'>, verifiers: LogVerifiers): Promise<string> {
  return verifyHandover(await readFile(note, 'utf8'), verifiers);
}

async function checkDiff({ files, log, consistencyFile }: Wanted<'diff'>, verifiers: LogVerifiers): Promise<string> {
  const [one = '', other = ''] = await Promise.all(files.map((file) => readFile(file, 'utf8')));
  return compareHeads([one, other], verifiers, {
    log: log === undefined ? undefined : urlSource(log),
    proof: consistencyFile === undefined ? undefined : await readFile(consistencyFile, 'utf8'),
  });
}

async function checkTarget({ target, tokenFile }: Wanted<'target'>, verifiers: LogVerifiers): Promise<string> {
  if (!/^https?:\/\//.test(target)) return checkDirectory(await directorySource(target), verifiers);
  const token = tokenFile === undefined ? undefined : (await readFile(tokenFile, 'utf8')).trim();
  const source = urlSource(target, token);
  return EXPORT_URL.test(new URL(target).pathname) ? checkExport(source, verifiers) : verifyTiles(source, verifiers);
}

/** What was downloaded: an export, or a log's checkpoint and tiles. */
async function checkDirectory(source: Source, verifiers: LogVerifiers): Promise<string> {
  const isLog = (await source.bytes('checkpoint')) !== undefined && (await source.bytes('manifest.json')) === undefined;
  return isLog ? verifyTiles(source, verifiers) : checkExport(source, verifiers);
}

async function checkExport(source: Source, verifiers: LogVerifiers): Promise<string> {
  const checks = new ThreadedChecks();
  try {
    return await verifyExport(source, verifiers, checks);
  } finally {
    await checks.close();
  }
}

/** The ledger as the database holds it, with the chain's key: for whoever runs the server. */
async function checkDatabase(wanted: DatabaseTarget): Promise<number> {
  const { verifyDatabase } = await import('./database/verify-database.js');
  const reports = await verifyDatabase(wanted);
  for (const { zone, size, fault } of reports)
    print(fault ? `${zone}: ${faultLine(fault)}` : `${zone}: ${size} entries verified`);
  return reports.some((report) => report.fault) ? 1 : 0;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

main().then(
  (code) => (process.exitCode = code),
  (error: unknown) => {
    process.stderr.write(`verify: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 2;
  },
);
