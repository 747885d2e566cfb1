import type { QueueName } from '../domain/queue-names.js';

/** A job as a worker gets it. Everything in it but a verified envelope inside `data` is unproven. */
export interface RawJob {
  readonly data: unknown;
  /** What the last attempt ended with, when there was one. */
  readonly failedReason?: string;
  /** How often the job was found abandoned by a dead worker. */
  readonly stalledCounter: number;
}

export interface NewJob {
  readonly id: string;
  readonly name: string;
  readonly envelope: object;
  /** The id was added before: what has ended under it and is still there makes room. */
  readonly again?: boolean;
}

export interface ScheduleSpec {
  readonly id: string;
  /** Milliseconds, or a cron pattern in UTC. */
  readonly every: number | string;
  readonly name: string;
  readonly envelope: object;
}

/** Puts jobs into one queue. Rejects when the backend cannot be reached; never waits for it without limit. */
export interface JobQueue {
  /** Adding an id that is still in the queue changes nothing. */
  add(job: NewJob): Promise<void>;
  schedule(spec: ScheduleSpec): Promise<void>;
  /** Removes every schedule whose id is not among these. */
  keepSchedules(ids: ReadonlySet<string>): Promise<void>;
  counts(): Promise<Readonly<Record<string, number>>>;
  close(): Promise<void>;
}

export interface WorkerSpec {
  readonly queue: QueueName;
  readonly concurrency: number;
  /** Resolve = the job is done and removed; reject = it is tried again after a pause. */
  readonly process: (job: RawJob) => Promise<void>;
  readonly onFault: (error: unknown) => void;
}

/** Takes jobs out of one queue until closed. */
export interface JobWorker {
  /** Waits for the jobs that are running, at most `graceMs`; what is cut off is taken up again by another worker. */
  close(graceMs: number): Promise<void>;
}

/** Where the jobs are kept: PostgreSQL or Redis, behind the same BullMQ. */
export interface JobBackend {
  readonly kind: 'postgres' | 'redis';
  queue(name: QueueName, onFault: (error: unknown) => void): Promise<JobQueue>;
  worker(spec: WorkerSpec): Promise<JobWorker>;
  /** Rejects when the backend does not answer. */
  ping(): Promise<void>;
  close(): Promise<void>;
}
