import { LRUCache } from 'lru-cache';
import type { OnceClaim } from '../../audit/index.js';

/** So many calls, of whatever the key stands for. */
export interface CallBudget {
  readonly key: string;
  readonly max: number;
  /** Milliseconds; from then on nobody can spend it. */
  readonly expiresAt: number;
}

const MOST_REMEMBERED = 50_000;

/**
 * Counts calls across replicas: each call is one claim in PostgreSQL, so no two take the same one and none is given twice. Where this process stands
 * in a budget is only a hint that saves asking for what is gone.
 */
export class CallBudgets {
  private readonly next = new LRUCache<string, number>({ max: MOST_REMEMBERED });

  constructor(private readonly take: (zone: string, claim: OnceClaim) => Promise<boolean>) {}

  /** True when one of the budgets had a call left, which is spent now; also when there are none to keep. */
  async spend(zone: string, budgets: readonly CallBudget[]): Promise<boolean> {
    for (const budget of budgets) if (await this.spendOne(zone, budget)) return true;
    return budgets.length === 0;
  }

  private async spendOne(zone: string, { key, max, expiresAt }: CallBudget): Promise<boolean> {
    const place = `${zone}/${key}`;
    for (let slot = this.advance(place); slot < max; slot = this.advance(place)) {
      if (await this.take(zone, { kind: 'budget', key: `${key} ${slot}`, expiresAt })) return true;
    }
    return false;
  }

  private advance(place: string): number {
    const slot = this.next.get(place) ?? 0;
    this.next.set(place, slot + 1);
    return slot;
  }
}
