import { describe, it, expect } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { Registry } from 'prom-client';
import { QueueMetrics } from './queue-metrics.js';

function collectLog(): string[] {
  const lines: string[] = [];
  const write = (level: string) => (text: unknown) => void lines.push(`${level} ${text as string}`);
  Logger.overrideLogger({ log: write('log'), warn: write('warn'), error: write('error') });
  return lines;
}

describe('queue metrics', () => {
  it('count every event, and say one thing once while it lasts', async () => {
    const lines = collectLog();
    const registry = new Registry();
    const metrics = new QueueMetrics(registry);
    for (let n = 0; n < 3; n += 1) metrics.retried('audit', 'infrastructure', 'ECONNREFUSED');
    metrics.buried('lifecycle', 'envelope_forged');
    metrics.backlog({ open: 4, oldestSeconds: 3 });
    metrics.backlog({ open: 5, oldestSeconds: 61.4 });
    Logger.overrideLogger(false);
    const text = await registry.metrics();
    expect(text).toContain('caracal_queue_retries_total{queue="audit",kind="infrastructure"} 3');
    expect(text).toContain('caracal_dead_letters_total{queue="lifecycle",reason="envelope_forged"} 1');
    expect(text).toContain('caracal_outbox_open 5');
    expect(lines).toEqual([
      'warn a job of queue audit will be tried again: infrastructure ECONNREFUSED',
      'error a message of queue lifecycle went to the dead letters: envelope_forged',
      'warn 5 outbox rows wait, the oldest for 61 s',
    ]);
  });
});
