import { setTimeout as pause } from 'node:timers/promises';
import type { Clock } from '../../kernel/clock.js';
import { newUuid } from '../../platform/ids/index.js';
import { openCheckpoint } from '../domain/log/checkpoint.js';
import { contradiction, isBehind, type LogState } from '../domain/log/log-state.js';
import type { LogIdentity } from './log-identity.js';
import type { LogRows } from './log-rows.js';
import { ContradictionError, LogTree } from './log-tree.js';
import type { SeenCheckpoints } from './seen-checkpoints.js';

const LOOK_EVERY_MS = 250;
/** A busy log is signed no more often; an idle one at the next look. */
const SIGN_EVERY_MS = 500;
const LEASE_MS = 3_000;
const AT_ONCE = 2;
const SYSTEM_ZONE = '_system';

export interface LogSignerParts {
  readonly rows: LogRows;
  readonly seen: SeenCheckpoints;
  readonly identity: LogIdentity;
  readonly clock: Clock;
  readonly onFault: (error: unknown, zone?: string) => void;
}

/**
 * Signs what the ledgers hold. One replica does, the holder of the current term; the others follow, and each compares what the database says
 * with the last checkpoint it has seen itself. It runs beside the append path and never holds what an append waits for.
 */
export class LogSigner {
  private readonly holder = newUuid();
  private readonly trees = new Map<string, LogTree>();
  private readonly signedAt = new Map<string, number>();
  private faults: ReadonlyMap<string, string> = new Map();
  private strange: ReadonlySet<string> = new Set();
  private readonly ending = new AbortController();
  private term: number | undefined;
  private running: Promise<void> | undefined;

  constructor(private readonly parts: LogSignerParts) {}

  /** False while some zone's database contradicts what was signed; readiness reports `ledger_rollback`. */
  get sound(): boolean {
    return this.faults.size === 0;
  }

  /** Compares the database with what this replica remembers; before anything is answered. */
  async compare(): Promise<void> {
    for (const zone of await this.parts.seen.load())
      await this.stopZone(zone, 'the remembered checkpoint is unreadable');
    await this.judge(await this.parts.rows.states());
  }

  /** Looks again and again, until {@link stop}. */
  start(): void {
    this.running ??= this.run();
  }

  /** Signs what is still unsigned, if it is this replica's turn, and lets the next one have it. */
  async stop(): Promise<void> {
    this.ending.abort();
    await this.running;
    if (this.running) await this.lookOnce(true);
    await this.parts.rows.resign(this.holder).catch(() => undefined);
  }

  /** One look at all zones: judges, then signs or follows. `all`: also what was signed just now. */
  async look(all = false): Promise<void> {
    const { rows } = this.parts;
    const term = await rows.lead(this.holder, LEASE_MS);
    if (term !== this.term) this.trees.clear();
    this.term = term;
    const states = await rows.states();
    await this.judge(states);
    await this.leaveToOthers(states);
    const due = states.filter(({ zone }) => !this.faults.has(zone) && !this.strange.has(zone));
    const work = due.filter((state) => this.isDue(state, all))[Symbol.iterator]();
    await Promise.all(Array.from({ length: AT_ONCE }, () => this.workOff(work)));
  }

  private async run(): Promise<void> {
    while (!this.ending.signal.aborted) {
      await this.lookOnce();
      await pause(LOOK_EVERY_MS, undefined, { signal: this.ending.signal }).catch(() => undefined);
    }
  }

  private async lookOnce(all = false): Promise<void> {
    await this.look(all).catch((error: unknown) => this.parts.onFault(error));
  }

  private async judge(states: readonly LogState[]): Promise<void> {
    const byZone = new Map(states.map((state) => [state.zone, state]));
    const faults = new Map(states.filter(({ stopped }) => stopped).map(({ zone }) => [zone, 'stopped']));
    for (const zone of [...this.parts.seen.zones()]) {
      const reason = faults.has(zone) ? undefined : await this.faultOf(zone, byZone.get(zone));
      if (reason === undefined) continue;
      faults.set(zone, reason);
      if (!this.faults.has(zone)) await this.stopZone(zone, reason);
    }
    this.faults = faults;
  }

  /**
   * Logs whose key this ring does not have are others' to sign and to follow: the key was rotated, and this process was not started again. When all of them
   * are, so is the lease.
   */
  private async leaveToOthers(states: readonly LogState[]): Promise<void> {
    const named = states.filter(({ origin }) => origin !== '');
    const strange = named.filter(({ vkey }) => !this.parts.identity.holds(vkey)).map(({ zone }) => zone);
    for (const zone of strange.filter((one) => !this.strange.has(one)))
      this.parts.onFault(new Error('the log is signed with a key that this process does not have'), zone);
    this.strange = new Set(strange);
    if (this.term === undefined || strange.length === 0 || strange.length < named.length) return;
    this.term = undefined;
    await this.parts.rows.resign(this.holder);
  }

  private async faultOf(zone: string, state: LogState | undefined): Promise<string | undefined> {
    const seen = this.parts.seen.get(zone);
    const reason = seen && contradiction(state, seen);
    if (!seen || reason === undefined) return undefined;
    // Whatever was acknowledged of a zone that is gone stands with the system's.
    const ended = await this.parts.rows.history(state ? zone : SYSTEM_ZONE);
    if (!ended.some(({ origin }) => origin === seen.origin)) return reason;
    // An administrator has let the log go on under another name; what was seen belongs to the one that ended.
    this.parts.seen.forget(zone);
    return undefined;
  }

  private isDue(state: LogState, all: boolean): boolean {
    if (this.term === undefined || !isBehind(state)) return this.isUnseen(state) || this.isNameless(state);
    return all || this.parts.clock.monotonic() - (this.signedAt.get(state.zone) ?? -Infinity) >= SIGN_EVERY_MS;
  }

  private isUnseen({ zone, origin, signed }: LogState): boolean {
    return signed?.origin === origin && signed.size > (this.parts.seen.get(zone)?.size ?? -1);
  }

  private isNameless(state: LogState): boolean {
    return this.term !== undefined && state.origin === '';
  }

  private async workOff(work: Iterator<LogState> & Iterable<LogState>): Promise<void> {
    for (const state of work) {
      try {
        if (this.isNameless(state)) await this.nameLog(state.zone);
        else if (this.term !== undefined && isBehind(state)) await this.sign(state, this.term);
        else await this.follow(state);
      } catch (error) {
        this.trees.delete(state.zone);
        this.parts.onFault(error, state.zone);
        if (error instanceof ContradictionError) await this.stopZone(state.zone, error.message);
      }
    }
  }

  /** The system's log is older than the server's address. */
  private async nameLog(zone: string): Promise<void> {
    const origin = this.parts.identity.origin(zone);
    await this.parts.rows.name(zone, origin, this.parts.identity.verifierKey(origin));
  }

  /** Extends the tree, remembers what is to be signed, commits it, and only then lets the signature out. */
  private async sign(state: LogState, term: number): Promise<void> {
    const { rows, seen, identity } = this.parts;
    const { zone, origin, entries } = state;
    const kept = this.trees.get(zone);
    const tree = kept?.size === state.size ? kept : await LogTree.open(rows, state, term, seen.get(zone));
    this.trees.set(zone, tree);
    do {
      const expectedSize = tree.size;
      const tiles = await tree.extend(zone, entries);
      const step = { zone, term, expectedSize, size: tree.size, tiles };
      const repeated = state.signed?.origin === origin && state.signed.size >= tree.size;
      if (!tree.mayBeSigned || repeated) {
        await rows.publish(step);
        continue;
      }
      const checkpoint = { origin, size: tree.size, root: tree.root() };
      const note = identity.sign(checkpoint, state.vkey);
      await seen.remember(zone, checkpoint, note);
      await rows.publish({ ...step, signed: { checkpoint, note } });
      this.signedAt.set(zone, this.parts.clock.monotonic());
      await seen.anchor(zone, note);
    } while (tree.size < entries);
  }

  /** Takes over what another replica has signed, when it goes on from what this one has seen. */
  private async follow({ zone, origin }: LogState): Promise<void> {
    const { rows, seen, identity } = this.parts;
    const note = await rows.note(zone);
    if (note === undefined) return;
    const checkpoint = openCheckpoint(note, identity.verifiers(origin));
    const before = seen.get(zone);
    for (const { size, root } of before ? [before, checkpoint] : [checkpoint]) {
      if (!(await rows.treeAt(zone, size)).root().equals(root))
        throw new ContradictionError(`the first ${size} entries are not those that were signed`);
    }
    await seen.remember(zone, checkpoint, note);
    await seen.anchor(zone, note);
  }

  private async stopZone(zone: string, reason: string): Promise<void> {
    this.faults = new Map([...this.faults, [zone, reason]]);
    const seen = this.parts.seen.get(zone);
    this.parts.onFault(new Error(`the log is stopped: ${reason}`), zone);
    await this.parts.rows.stop(zone, {
      reason,
      ...(seen ? { origin: seen.origin, size: seen.size, root: seen.root.toString('base64') } : {}),
    });
  }
}
