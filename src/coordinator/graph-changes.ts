import { Injectable } from '@nestjs/common';
import { AppError } from '../kernel/app-error.js';
import { AuditedChanges, type ChangeTx } from '../audit/index.js';
import { lockGraph } from './persistence/graph-lock.js';

/** What ends authority goes before what makes more of it. */
export type Urgency = 'ending' | 'growing';

type Step = () => Promise<void>;

interface Line {
  readonly ending: Step[];
  readonly growing: Step[];
}

const MOST_WAITING = 2_000;

/**
 * Changes of a zone's session and delegation graph, one after the other. The lock in the database is what makes them safe between replicas;
 * the line here keeps those that wait from holding a connection each, and lets endings overtake.
 */
@Injectable()
export class GraphChanges {
  private readonly lines = new Map<string, Line>();

  constructor(private readonly changes: AuditedChanges) {}

  /** Runs `work` in an audited change under the zone's graph lock. Throws `temporarily_unavailable` when too many wait. */
  run<T>(zone: string, urgency: Urgency, work: (tx: ChangeTx) => Promise<T>): Promise<T> {
    const line = this.lines.get(zone);
    if (urgency === 'growing' && line && line.growing.length >= MOST_WAITING) return Promise.reject(crowded());
    return new Promise((resolve, reject) => {
      const step: Step = () => this.locked(zone, work).then(resolve, reject);
      if (line) line[urgency].push(step);
      else void this.work(zone, step);
    });
  }

  private locked<T>(zone: string, work: (tx: ChangeTx) => Promise<T>): Promise<T> {
    return this.changes.run(zone, async (tx) => {
      await lockGraph(tx);
      return work(tx);
    });
  }

  private async work(zone: string, first: Step): Promise<void> {
    const line: Line = { ending: [], growing: [] };
    this.lines.set(zone, line);
    for (let step: Step | undefined = first; step; step = line.ending.shift() ?? line.growing.shift()) await step();
    this.lines.delete(zone);
  }
}

function crowded(): AppError {
  return new AppError('temporarily_unavailable', 'Too many changes of this zone are waiting.', {
    detail: 'graph_crowded',
    retryAfter: 1,
  });
}
