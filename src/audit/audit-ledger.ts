import { AppError } from '../kernel/app-error.js';
import type { Clock } from '../kernel/clock.js';
import { type Database, isRefusal } from '../platform/database/index.js';
import { RefusalWindows } from './domain/coalescing.js';
import type { EntryDraft } from './domain/entry.js';
import { FairQueue } from './domain/fair-queue.js';
import { claimRow, type OnceClaim } from './domain/once-claim.js';
import { GroupCommit, type Appended, type Fate, type GroupItem } from './group-commit.js';
import type { LedgerKeys } from './ledger-keys.js';
import { type PreparedEntry, releaseClaim, takeClaims } from './persistence/ledger-store.js';
import { prepareEntry } from './prepare-entry.js';

const MAX_GROUP = 256;
const MAX_WAITING = 8_192;
const DRAIN_EVERY_MS = 5_000;
const LOOK_EVERY_MS = 1_000;

interface Waiting {
  readonly item: GroupItem;
  readonly resolve: (fate: Fate) => void;
  readonly reject: (error: unknown) => void;
}

export interface AuditLedgerParts {
  readonly database: Database;
  readonly keys: LedgerKeys;
  readonly clock: Clock;
  readonly onFault: (error: unknown) => void;
}

/**
 * The hot path's way into the ledger: entries of concurrent requests are committed together, in one transaction.
 * A promise that resolves is durable; one that rejects means that nothing may be released (fail closed).
 */
export class AuditLedger {
  private readonly waiting = new FairQueue<Waiting>(MAX_WAITING);
  private readonly refusals = new RefusalWindows();
  private readonly groups: GroupCommit;
  private readonly drainTimer: NodeJS.Timeout;
  private readonly lookTimer: NodeJS.Timeout;
  private pumping = false;
  private failing: false | 'unreachable' | 'refused' = false;

  constructor(private readonly parts: AuditLedgerParts) {
    this.groups = new GroupCommit(parts);
    this.drainTimer = setInterval(() => void this.reportSuppressed(), DRAIN_EVERY_MS);
    this.drainTimer.unref();
    this.lookTimer = setInterval(() => void this.lookAgain(), LOOK_EVERY_MS);
    this.lookTimer.unref();
  }

  /**
   * False from a failed commit until the next that succeeds, or, where the database could not be asked, until it answers: nobody sends requests to a
   * replica that is not ready. Readiness reports `audit_unavailable`.
   */
  get available(): boolean {
    return this.failing === false;
  }

  /** Entries waiting for their group. */
  get depth(): number {
    return this.waiting.length;
  }

  /** Appends one entry and takes its claims, all in one commit; a lost claim turns the entry into a denial: `replayed`, or `budget_exhausted`. */
  async append(draft: EntryDraft, claims: readonly OnceClaim[] = []): Promise<Appended> {
    const { zone } = draft;
    const fate = await this.enter(zone, () => ({
      zone,
      draft,
      prepared: prepareEntry(draft),
      claims: claims.map(claimRow),
    }));
    if (typeof fate === 'string') throw unavailable(`the zone ${zone} has no ledger`);
    return fate;
  }

  /** Appends what a queue delivered, each event once however often it comes; resolves when all of it is durable, with false where the zone has no ledger. */
  async deliver(zone: string, entries: readonly PreparedEntry[]): Promise<boolean> {
    const fates = await Promise.all(
      entries.map((prepared) => this.enter(zone, () => ({ zone, prepared, delivered: true }))),
    );
    return !fates.includes('no_ledger');
  }

  /** Appends a refusal that nobody authenticated for, or counts it when there are too many; then there is no receipt. */
  async refusal(draft: EntryDraft): Promise<Appended | undefined> {
    const admitted = this.refusals.admit(draft.zone, draft.client?.address ?? 'unknown', this.parts.clock.now());
    return admitted ? this.append(draft) : undefined;
  }

  /** Takes a claim by itself, for what is no decision and has no entry; false when it was taken before. Rejects when that cannot be known. */
  async take(zone: string, claim: OnceClaim): Promise<boolean> {
    try {
      const [won = false] = await this.parts.database.asAudit((tx) => takeClaims(tx, zone, [claimRow(claim)]));
      return won;
    } catch (error) {
      throw unavailable('a claim could not be taken', error);
    }
  }

  /** Gives a claim back when what it was taken for provably did not happen. */
  async release(zone: string, claim: OnceClaim): Promise<void> {
    await this.parts.database.asAudit((tx) => releaseClaim(tx, zone, claimRow(claim)));
  }

  /** Writes what is still counted and waits until every waiting entry is decided. */
  async close(): Promise<void> {
    clearInterval(this.drainTimer);
    clearInterval(this.lookTimer);
    await this.reportSuppressed(true);
  }

  private enter(zone: string, make: () => GroupItem): Promise<Fate> {
    if (this.waiting.isFullFor(zone)) return Promise.reject(unavailable('the ledger is saturated'));
    return new Promise((resolve, reject) => {
      this.waiting.push(zone, { item: make(), resolve, reject });
      this.wake();
    });
  }

  private wake(): void {
    if (this.pumping) return;
    this.pumping = true;
    // One turn of the loop lets the requests that are ready now join the first group.
    setImmediate(() => void this.pump());
  }

  private async pump(): Promise<void> {
    while (this.waiting.length > 0) await this.commit(this.waiting.take(MAX_GROUP));
    this.pumping = false;
  }

  private async commit(group: readonly Waiting[]): Promise<void> {
    const startedAt = this.parts.clock.monotonic();
    try {
      const fates = await this.groups.commit(group.map(({ item }) => item));
      this.failing = false;
      group.forEach(({ resolve }, at) => resolve(fates[at] ?? 'no_ledger'));
    } catch (error) {
      const zones = new Set(group.map(({ item }) => item.zone));
      if (zones.size > 1 && isRefusal(error)) return this.commitApart(group, zones);
      this.parts.onFault(error);
      this.failing = isAway(error) ? 'unreachable' : 'refused';
      const waited = this.parts.clock.monotonic() - startedAt;
      // A database that kept this group waiting would keep those behind it waiting as long, each after the other; of them nothing was sent.
      const behind = isAway(error) && waited >= LOOK_EVERY_MS ? this.waiting.take(MAX_WAITING) : [];
      for (const { reject } of [...group, ...behind]) reject(unavailable('the ledger did not commit', error));
    }
  }

  private async lookAgain(): Promise<void> {
    if (this.failing !== 'unreachable' || this.pumping) return;
    const answers = await this.parts.database.auditStatements.query('SELECT 1').catch(() => undefined);
    if (answers && this.failing === 'unreachable') this.failing = false;
  }

  /** Nothing of the group was written, because of some zone in it: the others' entries do not wait for that one to be mended. */
  private async commitApart(group: readonly Waiting[], zones: ReadonlySet<string>): Promise<void> {
    for (const zone of zones) await this.commit(group.filter(({ item }) => item.zone === zone));
  }

  private async reportSuppressed(all = false): Promise<void> {
    const counts = this.refusals.drain(this.parts.clock.now(), all);
    const entries = counts.map(({ zone, address, count, since }) =>
      this.append({
        type: 'ledger.coalesced',
        zone,
        occurredAt: since,
        actor: { kind: 'system' },
        decision: 'deny',
        reasons: ['coalesced'],
        client: { address },
        detail: { count },
      }),
    );
    await Promise.allSettled(entries);
  }
}

/** Whether the database could not be asked, or did not answer: it may be there again at any time. */
function isAway(error: unknown): boolean {
  return error instanceof AppError && error.code === 'temporarily_unavailable';
}

function unavailable(detail: string, cause?: unknown): AppError {
  return new AppError('temporarily_unavailable', 'The audit ledger cannot be written; nothing was done.', {
    detail: `audit_unavailable: ${detail}`,
    retryAfter: 1,
    cause,
  });
}
