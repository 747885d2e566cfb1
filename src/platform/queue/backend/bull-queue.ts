import type { Queue } from 'bullmq';
import { within } from '../../lifecycle/index.js';
import type { JobQueue, NewJob, ScheduleSpec } from './job-backend.js';
import { JOB_OPTIONS } from './job-options.js';

/** What is used of BullMQ's queue, whichever backend it stands on. */
export type AnyQueue = Pick<
  Queue<object>,
  | 'add'
  | 'remove'
  | 'getJobState'
  | 'upsertJobScheduler'
  | 'getJobSchedulers'
  | 'removeJobScheduler'
  | 'getJobCounts'
  | 'close'
>;

const ANSWER_MS = 5_000;

/** One BullMQ queue behind {@link JobQueue}; a backend that does not answer in 5 s counts as unreachable. */
export class BullQueue implements JobQueue {
  constructor(private readonly queue: AnyQueue) {}

  async add({ id, name, envelope, again }: NewJob): Promise<void> {
    if (again) await this.clearEnded(id);
    await within(ANSWER_MS, this.queue.add(name, envelope, { ...JOB_OPTIONS, jobId: id }));
  }

  async schedule({ id, every, name, envelope }: ScheduleSpec): Promise<void> {
    const repeat = typeof every === 'number' ? { every } : { pattern: every, tz: 'UTC' };
    await within(ANSWER_MS, this.queue.upsertJobScheduler(id, repeat, { name, data: envelope, opts: JOB_OPTIONS }));
  }

  async keepSchedules(ids: ReadonlySet<string>): Promise<void> {
    const known = await within(ANSWER_MS, this.queue.getJobSchedulers());
    for (const { key } of known) {
      if (!ids.has(key)) await within(ANSWER_MS, this.queue.removeJobScheduler(key));
    }
  }

  counts(): Promise<Record<string, number>> {
    return within(ANSWER_MS, this.queue.getJobCounts('waiting', 'active', 'delayed', 'failed'));
  }

  async close(): Promise<void> {
    await this.queue.close();
  }

  private async clearEnded(jobId: string): Promise<void> {
    const state = await within(ANSWER_MS, this.queue.getJobState(jobId));
    if (state === 'completed' || state === 'failed') await within(ANSWER_MS, this.queue.remove(jobId));
  }
}
