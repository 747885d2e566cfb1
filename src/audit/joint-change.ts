import type { ZoneTx } from '../platform/database/index.js';
import type { ChangeRunner } from './change-tx.js';
import { Collected } from './collected-change.js';

/** Ends a transaction that was only to be tried. */
export class Undone extends Error {
  override readonly name = 'Undone';

  constructor(readonly answer: unknown) {
    super('the change was tried and undone');
  }
}

/** What changes of several zones ask for while they run in one transaction. */
export class JointChange {
  private readonly zones = new Map<string, Collected>();

  /** Each change sees its own zone and no other. */
  runner(enter: (zone: string) => Promise<ZoneTx>): ChangeRunner {
    return {
      run: async (zone, work) => {
        const collected = this.zones.get(zone) ?? new Collected();
        this.zones.set(zone, collected);
        return work(collected.bind(await enter(zone)));
      },
    };
  }

  /** In the order of the zones' names, which is that of every lock over several of them. */
  parts(): readonly (readonly [string, Collected])[] {
    return [...this.zones].sort(([a], [b]) => (a < b ? -1 : 1));
  }
}
