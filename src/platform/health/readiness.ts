import type { Clock } from '../../kernel/clock.js';

/** Every reason that readiness can give; a closed list that monitors rely on. */
export const READINESS_REASONS = [
  'database_unreachable',
  'queue_unreachable',
  'migrations_pending',
  'view_stale',
  'audit_unavailable',
  'ledger_tampered',
  'ledger_rollback',
  'clock_skew',
  'shutting_down',
] as const;
export type ReadinessReason = (typeof READINESS_REASONS)[number];

/** What is wrong now: one of the reasons, or nothing. A check that throws counts as what it was registered for. */
export type ReadinessCheck = () => boolean | Promise<boolean>;

const REPORT_MS = 500;
const CHECK_MS = 2_000;

/**
 * Whether this replica should get requests. Parts of the server register what they know; anonymous callers may ask as often as
 * they like, the checks run at most twice a second.
 */
export class Readiness {
  private readonly checks: { readonly reason: ReadinessReason; readonly holds: ReadinessCheck }[] = [];
  private last: { readonly at: number; readonly reasons: Promise<readonly ReadinessReason[]> } | undefined;
  private draining = false;
  private readonly ends: (() => void)[] = [];

  constructor(private readonly clock: Clock) {}

  /** `holds` answers true while all is well; false, a rejection, or no answer in time is reported as `reason`. */
  register(reason: ReadinessReason, holds: ReadinessCheck): void {
    this.checks.push({ reason, holds });
  }

  /** From now on the replica is not ready, whatever else holds. */
  shutDown(): void {
    this.draining = true;
    for (const end of this.ends) end();
  }

  /** `end` is called when the replica stops taking requests: whoever holds one open only to wait lets it go. */
  onShutDown(end: () => void): void {
    this.ends.push(end);
  }

  /** Why the replica is not ready, without repeats; empty when it is. */
  async reasons(): Promise<readonly ReadinessReason[]> {
    const now = this.clock.monotonic();
    if (!this.last || now - this.last.at >= REPORT_MS) this.last = { at: now, reasons: this.ask() };
    const found = await this.last.reasons;
    return this.draining ? [...found, 'shutting_down'] : found;
  }

  private async ask(): Promise<readonly ReadinessReason[]> {
    const faults = await Promise.all(
      this.checks.map(async ({ reason, holds }) => ((await inTime(holds)) ? [] : [reason])),
    );
    return [...new Set(faults.flat())];
  }
}

async function inTime(holds: ReadinessCheck): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), CHECK_MS);
  });
  try {
    return await Promise.race([Promise.resolve().then(holds), late]);
  } catch {
    return false;
  } finally {
    clearTimeout(timer);
  }
}
