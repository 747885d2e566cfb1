import { AppError } from '../../kernel/app-error.js';
import { faultCode } from '../database/index.js';

/** A statement, a lock or a transaction of one item took too long; the database is there. */
const OF_ONE_ITEM: ReadonlySet<string | undefined> = new Set(['57014', '55P03', '25P03']);

/**
 * Does the work of each item, one after the other. An item whose work fails keeps none of the others from theirs: its fault is thrown when all had
 * their turn, several of them together. Only when something that all of them need is out of reach does it end at once.
 */
export async function inTurn<T>(items: Iterable<T>, work: (item: T) => Promise<unknown>): Promise<void> {
  const faults: unknown[] = [];
  for (const item of items) {
    try {
      await work(item);
    } catch (error) {
      if (isOutOfReach(error)) throw error;
      faults.push(error);
    }
  }
  if (faults.length > 1) throw new AggregateError(faults, `the work of ${faults.length} failed`);
  if (faults.length === 1) throw faults[0];
}

function isOutOfReach(error: unknown): boolean {
  if (!(error instanceof AppError) || error.code !== 'temporarily_unavailable') return false;
  return !OF_ONE_ITEM.has(faultCode(error.cause));
}
