import type { Worker } from 'bullmq';
import { within } from '../../lifecycle/index.js';
import type { JobWorker } from './job-backend.js';

const CUT_MS = 2_000;
/** A backend that is not there is asked again with another worker, so that nobody waits for this one for ever. */
const READY_MS = 10_000;

/** What is used of BullMQ's worker, whichever backend it stands on. */
export type AnyWorker = Pick<Worker<object>, 'run' | 'close' | 'waitUntilReady'>;

/** One running BullMQ worker behind {@link JobWorker}. */
export class BullWorker implements JobWorker {
  private constructor(
    private readonly worker: AnyWorker,
    private readonly afterwards: () => Promise<void>,
  ) {}

  /**
   * Rejects when the backend cannot be reached: BullMQ remembers a failed first connection for ever, so such a worker is thrown away.
   * `afterwards` gives back what the worker stood on, once it is closed.
   */
  static async start(
    worker: AnyWorker,
    onFault: (error: unknown) => void,
    afterwards: () => Promise<void> = async () => undefined,
  ): Promise<BullWorker> {
    try {
      await within(READY_MS, worker.waitUntilReady());
    } catch (error) {
      await within(CUT_MS, worker.close(true)).catch(() => undefined);
      await within(CUT_MS, afterwards()).catch(onFault);
      throw error;
    }
    worker.run().catch(onFault);
    return new BullWorker(worker, afterwards);
  }

  async close(graceMs: number): Promise<void> {
    const closing = this.worker.close();
    try {
      await within(graceMs, closing);
    } catch {
      await within(CUT_MS, this.worker.close(true)).catch(() => undefined);
    }
    await within(CUT_MS, this.afterwards()).catch(() => undefined);
  }
}
