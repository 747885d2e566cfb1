import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { ZoneTx } from '../../src/platform/database/index.js';
import { newUuid } from '../../src/platform/ids/index.js';
import { OutboxRows } from '../../src/platform/outbox/outbox-rows.js';
import type { Message, Queues } from '../../src/platform/queue/index.js';
import { eventually, makeEffect, QueueBench, testedBackends, ZONE } from '../support/queueing.js';

async function put(tx: ZoneTx, aggregate: string, note: string): Promise<string> {
  const id = newUuid();
  await tx.query(
    `INSERT INTO outbox (id, zone, aggregate, queue, name, body) VALUES ($1, $2, $3, 'lifecycle', 'note', $4)`,
    [id, tx.zone, aggregate, JSON.stringify({ note })],
  );
  return id;
}

const noteOf = (message: Message) => message.body['note'] as string;
const notes = (queues: Queues): void =>
  queues.consume('lifecycle', { note: queues.once((message, tx) => makeEffect(tx, noteOf(message))) });

describe.each(testedBackends())('outbox on %s', (kind) => {
  let bench: QueueBench;
  beforeAll(async () => {
    bench = await QueueBench.open(kind);
  });
  afterEach(() => bench.reset());
  afterAll(() => bench.close());

  const commit = (aggregate: string, ...texts: string[]) =>
    bench.database.withZone(ZONE, async (tx) => {
      for (const text of texts) await put(tx, aggregate, text);
    });
  const open = async () => (await bench.process().relay.backlog()).open;
  const hurry = () =>
    bench.test.superuser((client) =>
      client.query('UPDATE caracal.outbox SET leased_until = NULL WHERE done_at IS NULL'),
    );

  it('sends what was committed and nothing of what was rolled back', async () => {
    const { relay } = bench.process(notes);
    relay.start();
    const failed = bench.database.withZone(ZONE, async (tx) => {
      await put(tx, 'a', 'never');
      throw new Error('rolled back');
    });
    await expect(failed).rejects.toThrow('rolled back');
    await commit('a', 'one');
    await eventually(() => bench.effects(), ['one']);
    await eventually(open, 0);
  });

  it('is woken by its own replica and does not need the poll for it', async () => {
    const { relay } = bench.process(notes, { relayPollMs: 3_600_000 });
    relay.start();
    await eventually(async () => (await relay.backlog()).open, 0);
    await commit('a', 'first', 'second');
    relay.wake();
    await eventually(() => bench.effects(), ['first', 'second']);
  });

  it('keeps the order of an aggregate while its first message fails, and holds up no other aggregate', async () => {
    let failures = 3;
    const seen: string[] = [];
    const { relay } = bench.process((queues) =>
      queues.consume('lifecycle', {
        note: queues.once(async (message, tx) => {
          seen.push(noteOf(message));
          if (noteOf(message) === 'a1' && (failures -= 1) >= 0)
            throw Object.assign(new Error('down'), { code: 'ECONNREFUSED' });
          await makeEffect(tx, noteOf(message));
        }),
      }),
    );
    relay.start();
    await commit('a', 'a1', 'a2', 'a3');
    await commit('b', 'b1');
    await eventually(async () => (await bench.effects()).length, 4);
    expect((await bench.effects()).filter((note) => note.startsWith('a'))).toEqual(['a1', 'a2', 'a3']);
    expect((await bench.effects())[0]).toBe('b1');
    expect(seen.filter((note) => note === 'a1')).toHaveLength(4);
  });

  it('delivers once in effect when the relay dies between sending and noting it', async () => {
    const { queues, relay } = bench.process(notes);
    await commit('a', 'once', 'then');
    // What a relay does until it dies.
    const [row] = await new OutboxRows(bench.database).claim(10, 60);
    await queues.send({
      queue: 'lifecycle',
      name: 'note',
      zone: ZONE,
      body: row?.body ?? {},
      id: row?.messageId ?? '',
    });
    await hurry();
    relay.start();
    await eventually(() => bench.effects(), ['once', 'then']);
    await eventually(open, 0);
    expect(await bench.jobs('lifecycle')).toBe(0);
  });

  it('delivers once in effect when the consumer dies between its effect and completing', async () => {
    let died = false;
    const { relay } = bench.process((queues) => {
      notes(queues);
      queues.onSettled(async () => {
        if (died) return;
        died = true;
        throw new Error('died after COMMIT');
      });
    });
    relay.start();
    await commit('a', 'once');
    await eventually(open, 0);
    expect(await bench.effects()).toEqual(['once']);
  });

  it('loses nothing when the backend is down, and sends when it is back', async () => {
    const { relay, events } = bench.process(notes);
    bench.wire.cut();
    relay.start();
    await commit('a', 'patient');
    await eventually(() => events.includes('unsent 1 queue_unreachable'), true);
    expect(await bench.effects()).toEqual([]);
    bench.wire.mend();
    await eventually(() => bench.effects(), ['patient'], 30_000);
    await eventually(open, 0);
  });

  it('loses nothing when the backend loses every job', async () => {
    const sender = bench.process();
    await commit('a', 'survivor', 'follower');
    expect(await sender.relay.sendDue()).toBe(1);
    expect(await bench.jobs('lifecycle')).toBe(1);
    await bench.loseEverything();
    await hurry();
    bench.process(notes).relay.start();
    await eventually(() => bench.effects(), ['survivor', 'follower']);
  });

  it('[T4] is not held up by a lease from before the database’s clock was set back', async () => {
    await commit('a', 'patient');
    await bench.test.superuser((client) =>
      client.query(`UPDATE caracal.outbox SET leased_until = now() + interval '2 hours' WHERE done_at IS NULL`),
    );
    expect(await bench.process(notes).relay.sendDue()).toBe(1);
    await eventually(() => bench.effects(), ['patient']);
  });

  it('[T7] is not held up by a forged job that took the place of a genuine one', async () => {
    const { relay } = bench.process(notes);
    const id = await bench.database.withZone(ZONE, (tx) => put(tx, 'a', 'genuine'));
    await bench.inject('lifecycle', { v: 1, id }, { jobId: id, removeOnComplete: false, attempts: 1 });
    await eventually(() => bench.deadReasons(), ['envelope_malformed']);
    relay.start();
    await eventually(() => bench.effects(), ['genuine']);
  });

  it('is shared by replicas: every message once in effect, in order within its aggregate', async () => {
    const aggregates = Array.from({ length: 8 }, (_, index) => `agg${index}`);
    for (const aggregate of aggregates) await commit(aggregate, ...[1, 2, 3].map((n) => `${aggregate}.${n}`));
    for (let replica = 0; replica < 3; replica += 1) bench.process(notes).relay.start();
    await eventually(open, 0, 30_000);
    const effects = await bench.effects();
    expect(effects).toHaveLength(24);
    for (const aggregate of aggregates) {
      expect(effects.filter((note) => note.startsWith(`${aggregate}.`))).toEqual(
        [1, 2, 3].map((n) => `${aggregate}.${n}`),
      );
    }
  });
});
