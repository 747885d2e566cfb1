import type { AuditedChanges, ChangeRunner } from '../../audit/index.js';
import type { Clock } from '../../kernel/clock.js';
import { AdminChanges } from '../admin-changes.js';
import { SYSTEM_ZONE } from '../domain/zone.js';
import { isRetryable } from '../persistence/conflicts.js';
import { lockConfiguration, lockZoneWhole } from '../persistence/locks.js';

const ATTEMPTS = 4;

/** Both ways of making changes, as parts of one transaction. */
export interface Joined {
  readonly admin: AdminChanges;
  readonly runner: ChangeRunner;
}

/** Changes of several zones that are made together or not at all, while nobody else changes these zones. */
export class JointChanges {
  constructor(
    private readonly changes: AuditedChanges,
    private readonly clock: Clock,
  ) {}

  /** Runs `work` under the locks of the zones that are there; with `dryRun` nothing of it remains. A deadlock with somebody else is tried again. */
  async run<T>(
    zones: readonly string[],
    work: (joined: Joined) => Promise<T>,
    options: { readonly dryRun: boolean },
  ): Promise<T> {
    const locked = [...new Set(zones)].sort();
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.changes.together(async (runner) => {
          await runner.run(SYSTEM_ZONE, lockConfiguration);
          for (const zone of locked) await runner.run(zone, lockZoneWhole);
          return work({ runner, admin: new AdminChanges(runner, this.clock, 1) });
        }, options);
      } catch (error) {
        if (attempt === ATTEMPTS || !isRetryable(error)) throw error;
      }
    }
  }
}
