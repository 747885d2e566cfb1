import type { Job, JobsOptions, WorkerOptions } from 'bullmq';
import type { RawJob } from './job-backend.js';
import { retryDelay } from '../domain/failure.js';

/** BullMQ keeps attempts as a 32-bit integer; a job ends when it has succeeded or been buried, never because it was tried often. */
const WITHOUT_LIMIT = 2_000_000_000;
/** A job whose worker died is taken up again after one to two lock times. */
const LOCK_MS = 30_000;
const STALLED_CHECK_MS = 15_000;

export const JOB_OPTIONS: JobsOptions = {
  attempts: WITHOUT_LIMIT,
  backoff: { type: 'custom' },
  // Nothing that has ended stays: a kept job would swallow a later one of the same id, and its data is in the outbox or the dead letters.
  removeOnComplete: true,
  removeOnFail: true,
  stackTraceLimit: 1,
  keepLogs: 0,
};

export const WORKER_OPTIONS = {
  autorun: false,
  lockDuration: LOCK_MS,
  stalledInterval: STALLED_CHECK_MS,
  maxStalledCount: WITHOUT_LIMIT,
  runRetryDelay: 1_000,
  settings: { backoffStrategy: (attempts: number) => retryDelay(attempts, Math.random()) },
} as const satisfies Partial<WorkerOptions>;

/** Whoever put the job there does not decide how it ends: its options are replaced by ours before it is worked on. */
export function underOurOptions(process: (job: RawJob) => Promise<void>): (job: Job) => Promise<void> {
  return (job) => {
    Object.assign(job.opts, JOB_OPTIONS);
    return process(job);
  };
}

/** BullMQ's own event stream has no reader here. */
export const EVENT_STREAM = { events: { maxLen: 256 } } as const;
