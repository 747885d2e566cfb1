import type { Job, JobsOptions, WorkerOptions } from 'bullmq';
import type { RawJob } from './job-backend.js';
import { retryDelay } from '../domain/failure.js';
import type { QueueName } from '../domain/queue-names.js';

/** BullMQ keeps attempts as a 32-bit integer; a job ends when it has succeeded or been buried, never because it was tried often. */
const WITHOUT_LIMIT = 2_000_000_000;
/** A job whose worker died is taken up again when its lock has run out and was looked at: after one to two lock times. */
const LOCK = { lockDuration: 30_000, stalledInterval: 15_000 };
/** Somebody waits for an export, and one that is written twice at once comes out the same: a pause of the process that is taken for its end does no harm. */
const LOCKS: Readonly<Partial<Record<QueueName, typeof LOCK>>> = {
  exports: { lockDuration: 10_000, stalledInterval: 5_000 },
};

export const JOB_OPTIONS: JobsOptions = {
  attempts: WITHOUT_LIMIT,
  backoff: { type: 'custom' },
  // Nothing that has ended stays: a kept job would swallow a later one of the same id, and its data is in the outbox or the dead letters.
  removeOnComplete: true,
  removeOnFail: true,
  stackTraceLimit: 1,
  keepLogs: 0,
};

const WORKER_OPTIONS = {
  autorun: false,
  maxStalledCount: WITHOUT_LIMIT,
  runRetryDelay: 1_000,
  settings: { backoffStrategy: (attempts: number) => retryDelay(attempts, Math.random()) },
} as const satisfies Partial<WorkerOptions>;

/** How the worker of a queue goes about its jobs. */
export function workerOptions(queue: QueueName) {
  return { ...WORKER_OPTIONS, ...(LOCKS[queue] ?? LOCK) };
}

/** Whoever put the job there does not decide how it ends: its options are replaced by ours before it is worked on. */
export function underOurOptions(process: (job: RawJob) => Promise<void>): (job: Job) => Promise<void> {
  return (job) => {
    Object.assign(job.opts, JOB_OPTIONS);
    return process(job);
  };
}

/** BullMQ's own event stream has no reader here. */
export const EVENT_STREAM = { events: { maxLen: 256 } } as const;
