import type { Clock } from '../../kernel/clock.js';
import type { RawJob } from './backend/job-backend.js';
import type { DeadLetters } from './dead-letters.js';
import { EnvelopeError, openEnvelope } from './domain/envelope.js';
import type { EnvelopeKeys } from './domain/envelope-keys.js';
import { classifyFailure, failureCode, MAX_STALLED, MAX_UNEXPECTED, type Failure } from './domain/failure.js';
import type { Message, MessageHandler } from './domain/message.js';
import type { QueueName } from './domain/queue-names.js';
import type { QueueObserver } from './observer.js';

/** Told of every authentic message that has ended, after its effect was committed or its dead letter was written. */
export type SettledListener = (message: { readonly queue: QueueName; readonly id: string }) => Promise<void>;

export interface ConsumerParts {
  readonly keys: EnvelopeKeys;
  readonly deadLetters: Pick<DeadLetters, 'bury'>;
  readonly observer: QueueObserver;
  readonly clock: Clock;
  readonly handlerOf: (queue: QueueName, name: string) => MessageHandler | undefined;
  readonly settled: SettledListener;
}

/** What BullMQ keeps as the reason of a failed attempt: our codes only, never a message that might hold a secret. */
class TryAgain extends Error {
  constructor(reason: string) {
    super(reason);
    this.stack = reason;
  }
}

const UNEXPECTED = /^unexpected (\d{1,3}):/;

/** Takes the jobs of one queue: verify, then parse, then handle; resolve only when the effect or the dead letter is committed. */
export class Consumer {
  constructor(
    private readonly queue: QueueName,
    private readonly parts: ConsumerParts,
  ) {}

  /** Resolves when the job has ended; rejects when it must be tried again. */
  async process(job: RawJob): Promise<void> {
    try {
      await this.work(job);
    } catch (error) {
      // Thrown outside the handler: by the dead letters, or by who is told of the end. Neither says anything about the message.
      throw error instanceof TryAgain
        ? error
        : this.tryAgain({ kind: 'infrastructure', code: failureCode(error) }, job);
    }
  }

  private async work(job: RawJob): Promise<void> {
    const message = await this.verified(job);
    if (!message) return;
    const failure = await this.handle(message, job);
    if (!failure) return this.end(message);
    if (failure.kind === 'refused') return this.buryAuthentic(message, job, failure.reason);
    throw this.tryAgain(failure, job);
  }

  private async verified(job: RawJob): Promise<Message | undefined> {
    try {
      return openEnvelope(this.parts.keys, this.queue, job.data, this.parts.clock.now());
    } catch (error) {
      if (!(error instanceof EnvelopeError)) throw error;
      await this.bury(job, `envelope_${error.fault}`, error.authentic?.zone);
      if (error.authentic) await this.parts.settled({ queue: this.queue, id: error.authentic.id });
      return undefined;
    }
  }

  private async handle(message: Message, job: RawJob): Promise<Failure | undefined> {
    if (job.stalledCounter > MAX_STALLED) return { kind: 'refused', reason: 'stalled' };
    const handler = this.parts.handlerOf(this.queue, message.name);
    // Not refused at once: while replicas are replaced one by one, a newer one may know what this one does not.
    if (!handler) return poison({ kind: 'unexpected', code: 'unknown_message' }, job);
    try {
      await handler(message);
      return undefined;
    } catch (error) {
      return poison(classifyFailure(error), job);
    }
  }

  private tryAgain(failure: Exclude<Failure, { kind: 'refused' }>, job: RawJob): TryAgain {
    this.parts.observer.retried(this.queue, failure.kind, failure.code);
    const count = failure.kind === 'unexpected' ? ` ${unexpectedSoFar(job) + 1}` : '';
    return new TryAgain(`${failure.kind}${count}: ${failure.code}`);
  }

  private async buryAuthentic(message: Message, job: RawJob, reason: string): Promise<void> {
    await this.bury(job, reason, message.zone);
    await this.parts.settled(message);
  }

  private async bury(job: RawJob, reason: string, zone: string | undefined): Promise<void> {
    await this.parts.deadLetters.bury(this.queue, {
      reason,
      envelope: job.data,
      ...(zone === undefined ? {} : { zone }),
    });
    this.parts.observer.buried(this.queue, reason);
    this.parts.observer.ended(this.queue, 'dead');
  }

  private async end(message: Message): Promise<void> {
    await this.parts.settled(message);
    this.parts.observer.ended(this.queue, 'done');
  }
}

/** A message that has failed unexpectedly too often in a row is taken for poison. */
function poison(failure: Failure, job: RawJob): Failure {
  const exhausted = failure.kind === 'unexpected' && unexpectedSoFar(job) + 1 >= MAX_UNEXPECTED;
  return exhausted
    ? { kind: 'refused', reason: failure.code === 'unknown_message' ? failure.code : 'failed' }
    : failure;
}

function unexpectedSoFar(job: RawJob): number {
  return Number(UNEXPECTED.exec(job.failedReason ?? '')?.[1] ?? 0);
}
