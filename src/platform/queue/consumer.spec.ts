import { describe, it, expect } from '@jest/globals';
import { AppError } from '../../kernel/app-error.js';
import type { RawJob } from './backend/job-backend.js';
import { Consumer } from './consumer.js';
import { sealEnvelope } from './domain/envelope.js';
import { EnvelopeKeys } from './domain/envelope-keys.js';
import { RefusedMessageError, type Message, type MessageHandler } from './domain/message.js';

const keys = new EnvelopeKeys([Buffer.alloc(32, 7)]);
const NOW = 1_800_000_000_000;
const message: Message = {
  queue: 'lifecycle',
  name: 'session.ended',
  id: '018f2b6e-7c1a-7000-8000-000000000001',
  zone: 'acme',
  issuedAt: NOW,
  expiresAt: NOW + 60_000,
  body: { session: 'ses_1' },
};
const envelope = sealEnvelope(keys, message);

function set(handler?: MessageHandler, faults: { bury?: Error; settled?: Error } = {}) {
  const events: string[] = [];
  const consumer = new Consumer('lifecycle', {
    keys,
    clock: { now: () => NOW + 1, monotonic: () => 0 },
    handlerOf: (_queue, name) => (name === message.name ? handler : undefined),
    deadLetters: {
      bury: async (queue, facts) => {
        if (faults.bury) throw faults.bury;
        events.push(`buried ${queue} ${facts.reason} ${facts.zone ?? '-'}`);
      },
    },
    settled: async ({ id }) => {
      if (faults.settled) throw faults.settled;
      events.push(`settled ${id.slice(-1)}`);
    },
    observer: {
      ended: (_queue, outcome) => events.push(`ended ${outcome}`),
      buried: () => undefined,
      retried: (_queue, kind, code) => events.push(`retried ${kind} ${code}`),
      backendFault: () => undefined,
    },
  });
  return { consumer, events };
}

const job = (data: unknown, more: Partial<RawJob> = {}): RawJob => ({ data, stalledCounter: 0, ...more });

async function reasonOf(run: Promise<void>): Promise<string> {
  try {
    await run;
    return 'resolved';
  } catch (error) {
    return error instanceof Error ? error.message : 'threw no error';
  }
}

describe('a job', () => {
  it('is handled once verified, and ends after its effect', async () => {
    const seen: Message[] = [];
    const { consumer, events } = set(async (given) => void seen.push(given));
    await consumer.process(job(envelope));
    expect(seen).toEqual([message]);
    expect(events).toEqual(['settled 1', 'ended done']);
  });

  it('[T7] that is forged is buried without its handler being called, and settles nothing it names', async () => {
    const seen: Message[] = [];
    const { consumer, events } = set(async (given) => void seen.push(given));
    await consumer.process(job({ ...envelope, zone: 'other' }));
    expect(seen).toEqual([]);
    expect(events).toEqual(['buried lifecycle envelope_forged -', 'ended dead']);
  });

  it('[T7] that has expired is buried and settled: it is ours, and it is over', async () => {
    const expired = sealEnvelope(keys, { ...message, expiresAt: NOW });
    const { consumer, events } = set(async () => undefined);
    await consumer.process(job(expired));
    expect(events).toEqual(['buried lifecycle envelope_expired acme', 'ended dead', 'settled 1']);
  });

  it('that its handler proves bad is buried first and then ends', async () => {
    const { consumer, events } = set(async () => Promise.reject(new RefusedMessageError('unknown_session')));
    await consumer.process(job(envelope));
    expect(events).toEqual(['buried lifecycle unknown_session acme', 'ended dead', 'settled 1']);
  });

  it('does not end when the dead letter cannot be written', async () => {
    const down = new AppError('temporarily_unavailable', 'x', { detail: 'database_unreachable' });
    const { consumer, events } = set(async () => Promise.reject(new RefusedMessageError('unknown_session')), {
      bury: down,
    });
    expect(await reasonOf(consumer.process(job(envelope)))).toBe('infrastructure: database_unreachable');
    expect(await reasonOf(consumer.process(job('forged')))).toBe('infrastructure: database_unreachable');
    expect(events).toEqual(Array(2).fill('retried infrastructure database_unreachable'));
  });

  it('does not end when its end cannot be recorded', async () => {
    const { consumer } = set(async () => undefined, { settled: Object.assign(new Error('x'), { code: 'ECONNRESET' }) });
    expect(await reasonOf(consumer.process(job(envelope)))).toBe('infrastructure: ECONNRESET');
  });

  it('is tried again without limit while its dependencies are down, and carries no message of the fault', async () => {
    const fault = Object.assign(new Error('password=hunter2'), { code: 'ECONNREFUSED' });
    const { consumer } = set(async () => Promise.reject(fault));
    for (const failedReason of ['infrastructure: ECONNREFUSED', 'unexpected 11: TypeError']) {
      const error: unknown = await consumer.process(job(envelope, { failedReason })).catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ message: 'infrastructure: ECONNREFUSED', stack: 'infrastructure: ECONNREFUSED' });
    }
  });

  it('that fails unexpectedly is counted, and buried at the twelfth time in a row', async () => {
    const { consumer, events } = set(async () => Promise.reject(new TypeError('bug')));
    let failedReason = '';
    for (let count = 1; count <= 11; count += 1) {
      failedReason = await reasonOf(consumer.process(job(envelope, { failedReason })));
      expect(failedReason).toBe(`unexpected ${count}: TypeError`);
    }
    expect(await reasonOf(consumer.process(job(envelope, { failedReason })))).toBe('resolved');
    expect(events.slice(-3)).toEqual(['buried lifecycle failed acme', 'ended dead', 'settled 1']);
  });

  it('with a name nobody knows waits for a replica that knows it, then is buried', async () => {
    const { consumer, events } = set();
    expect(await reasonOf(consumer.process(job(envelope)))).toBe('unexpected 1: unknown_message');
    await consumer.process(job(envelope, { failedReason: 'unexpected 11: unknown_message' }));
    expect(events).toContain('buried lifecycle unknown_message acme');
  });

  it('that keeps killing its worker is buried before it is handled again', async () => {
    const seen: Message[] = [];
    const { consumer, events } = set(async (given) => void seen.push(given));
    await consumer.process(job(envelope, { stalledCounter: 11 }));
    expect(seen).toEqual([]);
    expect(events[0]).toBe('buried lifecycle stalled acme');
  });
});
