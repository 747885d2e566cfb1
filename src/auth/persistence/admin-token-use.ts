import type { Clock } from '../../kernel/clock.js';
import type { Database } from '../../platform/database/index.js';
import { SYSTEM_ZONE } from '../ports.js';

/** How exact the stored time of the last use is: a busy token is written once in this time. */
const WRITE_EVERY_MS = 60_000;

/** Remembers when each admin token was last used. Nobody waits for it, and no request fails for it. */
export class AdminTokenUse {
  private readonly used = new Map<string, number>();
  private readonly written = new Map<string, number>();

  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly onFault: (error: unknown) => void,
  ) {}

  note(id: string): void {
    const now = this.clock.now();
    this.used.set(id, now);
    if (now - (this.written.get(id) ?? Number.NEGATIVE_INFINITY) < WRITE_EVERY_MS) return;
    this.written.set(id, now);
    this.write(id, now).catch((error: unknown) => {
      this.written.delete(id);
      this.onFault(error);
    });
  }

  /** The later of what is stored and what this replica has seen. */
  lastUsed(id: string, stored: Date | null): number | undefined {
    const times = [stored?.getTime(), this.used.get(id)].filter((time) => time !== undefined);
    return times.length === 0 ? undefined : Math.max(...times);
  }

  /** What is no longer in force is no longer remembered. */
  keep(ids: ReadonlySet<string>): void {
    for (const id of this.used.keys()) if (!ids.has(id)) this.used.delete(id);
    for (const id of this.written.keys()) if (!ids.has(id)) this.written.delete(id);
  }

  private async write(id: string, now: number): Promise<void> {
    await this.database.withZone(SYSTEM_ZONE, (tx) =>
      tx.query('UPDATE admin_tokens SET last_used_at = greatest(last_used_at, $2) WHERE id = $1', [id, new Date(now)]),
    );
  }
}
