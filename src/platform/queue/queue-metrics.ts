import { Logger } from '@nestjs/common';
import { Counter, Gauge, type Registry } from 'prom-client';
import type { QueueObserver } from './observer.js';

/** One line per queue and kind in this time: an outage is one fact, not one per job. */
const QUIET_MS = 10_000;
/** An open outbox row older than this means that messages do not arrive. */
const OVERDUE_SECONDS = 60;

/** Counts what the queues and the outbox do, and says so in the log when a person should look. */
export class QueueMetrics implements QueueObserver {
  private readonly log = new Logger('Queues');
  private readonly saidAt = new Map<string, number>();
  private readonly jobs: Counter<'queue' | 'outcome'>;
  private readonly retries: Counter<'queue' | 'kind'>;
  private readonly deadLetters: Counter<'queue' | 'reason'>;
  private readonly faults: Counter<'queue'>;
  private readonly outboxOpen: Gauge;
  private readonly outboxOldest: Gauge;

  constructor(registry: Registry) {
    const registers = [registry];
    this.jobs = new Counter({
      name: 'caracal_queue_jobs_total',
      help: 'Jobs that ended',
      labelNames: ['queue', 'outcome'],
      registers,
    });
    this.retries = new Counter({
      name: 'caracal_queue_retries_total',
      help: 'Failed attempts',
      labelNames: ['queue', 'kind'],
      registers,
    });
    this.deadLetters = new Counter({
      name: 'caracal_dead_letters_total',
      help: 'Messages that went to the dead letters',
      labelNames: ['queue', 'reason'],
      registers,
    });
    this.faults = new Counter({
      name: 'caracal_queue_backend_faults_total',
      help: 'Backend faults',
      labelNames: ['queue'],
      registers,
    });
    this.outboxOpen = new Gauge({
      name: 'caracal_outbox_open',
      help: 'Outbox rows whose message has not ended',
      registers,
    });
    this.outboxOldest = new Gauge({
      name: 'caracal_outbox_oldest_seconds',
      help: 'Age of the oldest open outbox row',
      registers,
    });
  }

  ended(queue: string, outcome: 'done' | 'dead'): void {
    this.jobs.inc({ queue, outcome });
  }

  buried(queue: string, reason: string): void {
    this.deadLetters.inc({ queue, reason });
    this.say('error', `${queue}:buried:${reason}`, `a message of queue ${queue} went to the dead letters: ${reason}`);
  }

  retried(queue: string, kind: 'infrastructure' | 'unexpected', code: string): void {
    this.retries.inc({ queue, kind });
    const level = kind === 'unexpected' ? 'error' : 'warn';
    this.say(level, `${queue}:${kind}:${code}`, `a job of queue ${queue} will be tried again: ${kind} ${code}`);
  }

  backendFault(queue: string, code: string): void {
    this.faults.inc({ queue });
    this.say('warn', `${queue}:backend:${code}`, `the backend of queue ${queue} reported ${code}; it is tried again`);
  }

  backlog(backlog: { readonly open: number; readonly oldestSeconds: number }): void {
    this.outboxOpen.set(backlog.open);
    this.outboxOldest.set(backlog.oldestSeconds);
    if (backlog.oldestSeconds < OVERDUE_SECONDS) return;
    const age = Math.round(backlog.oldestSeconds);
    this.say('warn', 'outbox:overdue', `${backlog.open} outbox rows wait, the oldest for ${age} s`);
  }

  unsent(rows: number, code: string): void {
    this.faults.inc({ queue: 'outbox' });
    this.say(
      'warn',
      `outbox:unsent:${code}`,
      `the outbox relay could not send (${rows} rows): ${code}; it tries again`,
    );
  }

  private say(level: 'warn' | 'error', key: string, text: string): void {
    const now = performance.now();
    if (now - (this.saidAt.get(key) ?? -Infinity) < QUIET_MS) return;
    this.saidAt.set(key, now);
    this.log[level](text);
  }
}
