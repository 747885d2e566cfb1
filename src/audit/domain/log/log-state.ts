import type { Checkpoint } from './checkpoint.js';

/** A zone's ledger and log as the database holds them. */
export interface LogState {
  readonly zone: string;
  /** The name of the log that is written now; empty while it has none. */
  readonly origin: string;
  /** The verifier key of that log: with its key, and no other, it is signed. */
  readonly vkey: string;
  /** Entries in the ledger. */
  readonly entries: number;
  /** Entries in the tree. */
  readonly size: number;
  /** What was last signed about the tree. */
  readonly signed?: Checkpoint;
  readonly stopped: boolean;
}

/** A log that ended when an administrator acknowledged a rollback; named as on the wire. */
export type EndedLog = {
  readonly origin: string;
  readonly vkey: string;
  /** The largest checkpoint that was known to have been signed. */
  readonly size: number;
  readonly root: string;
  readonly reason: string;
  readonly acknowledged_at: string;
};

/**
 * What contradicts a checkpoint that was seen before: a database that holds less than was signed, or something else. Undefined while all
 * of it can be true; then the tree that is now signed must still be proven to begin with the one that was seen.
 */
export function contradiction(state: LogState | undefined, seen: Checkpoint): string | undefined {
  if (!state) return `the zone is gone; ${seen.size} entries were signed`;
  if (state.origin !== seen.origin)
    return `the log is called ${state.origin}; ${seen.origin} was signed and never ended`;
  if (state.entries < seen.size) return `the ledger holds ${state.entries} entries; ${seen.size} were signed`;
  const { signed } = state;
  if (signed?.origin === seen.origin && signed.size === seen.size && !signed.root.equals(seen.root))
    return `another tree of ${seen.size} entries was signed`;
  return undefined;
}

/** Whether a checkpoint is to be signed: there are entries that none covers, or none of this log's name. */
export function isBehind(state: LogState): boolean {
  if (state.stopped || state.origin === '' || state.entries === 0) return false;
  return state.signed?.origin !== state.origin || state.entries > state.size;
}

/** The name under which a log goes on after a rollback: never one that an earlier log had. */
export function nextOrigin(names: readonly string[]): string {
  const base = (names[0] ?? '').replace(SUFFIX, '');
  const used = names.map((name) => Number(SUFFIX.exec(name)?.[1] ?? 0));
  return `${base}.r${Math.max(...used) + 1}`;
}

const SUFFIX = /\.r([1-9]\d*)$/;
