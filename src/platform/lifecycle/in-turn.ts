import { AppError } from '../../kernel/app-error.js';

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
      if (error instanceof AppError && error.code === 'temporarily_unavailable') throw error;
      faults.push(error);
    }
  }
  if (faults.length > 1) throw new AggregateError(faults, `the work of ${faults.length} failed`);
  if (faults.length === 1) throw faults[0];
}
