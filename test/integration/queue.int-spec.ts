import { createHmac } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { lp } from '../../src/kernel/length-prefixed.js';
import { sealEnvelope, type Envelope } from '../../src/platform/queue/domain/envelope.js';
import { EnvelopeKeys } from '../../src/platform/queue/domain/envelope-keys.js';
import { consumeOnce, RefusedMessageError, type Message, type Queues } from '../../src/platform/queue/index.js';
import { newUuid } from '../../src/platform/ids/index.js';
import { eventually, makeEffect, QUEUE_SECRET, QueueBench, testedBackends, ZONE } from '../support/queueing.js';

const keys = new EnvelopeKeys([QUEUE_SECRET]);

function sealed(change: Partial<Message> = {}): Envelope {
  const now = Date.now();
  const message: Message = {
    queue: 'lifecycle',
    name: 'note',
    id: newUuid(),
    zone: ZONE,
    issuedAt: now,
    expiresAt: now + 60_000,
    body: { note: 'n' },
  };
  return sealEnvelope(keys, { ...message, ...change });
}

/** Each `note` leaves one effect with its text. */
const notes = (queues: Queues): void =>
  queues.consume('lifecycle', { note: queues.once((message, tx) => makeEffect(tx, message.body['note'] as string)) });

describe.each(testedBackends())('queues on %s', (kind) => {
  let bench: QueueBench;
  beforeAll(async () => {
    bench = await QueueBench.open(kind);
  });
  afterEach(() => bench.reset());
  afterAll(() => bench.close());

  it('carry a message to its handler and keep nothing of it afterwards', async () => {
    const { queues } = bench.process(notes);
    await queues.enqueue('lifecycle', 'note', ZONE, { note: 'hello' });
    await eventually(() => bench.effects(), ['hello']);
    await eventually(() => bench.jobs('lifecycle'), 0);
    expect(await bench.deadReasons()).toEqual([]);
    expect(queues.backendKind).toBe(kind);
  });

  it('[T7] make no effect of a forged, altered, foreign or expired envelope and keep it as a dead letter', async () => {
    const { queues } = bench.process(notes);
    const genuine = sealed();
    const stolen = createHmac('sha256', QUEUE_SECRET).update(lp('caracal-queue-envelope')).digest('base64url');
    await bench.inject('lifecycle', { ...genuine, mac: stolen });
    await bench.inject('lifecycle', { ...genuine, body: '{"note":"altered"}' });
    await bench.inject('lifecycle', sealed({ queue: 'delivery' }));
    await bench.inject('lifecycle', { ...sealed({ queue: 'delivery' }), queue: 'lifecycle' });
    await bench.inject('lifecycle', sealed({ expiresAt: Date.now() - 1 }));
    await bench.inject('lifecycle', { ...genuine, kid: '0011223344556677' });
    await bench.inject('lifecycle', { note: 'unsigned' });
    await bench.inject('lifecycle', 'text');
    const reasons = ['expired', 'foreign_queue', 'forged', 'forged', 'forged', 'malformed', 'malformed', 'unknown_key'];
    await eventually(
      () => bench.deadReasons(),
      reasons.map((reason) => `envelope_${reason}`),
    );
    await queues.enqueue('lifecycle', 'note', ZONE, { note: 'after' });
    await eventually(() => bench.effects(), ['after']);
    await eventually(() => bench.jobs('lifecycle'), 0);
  });

  it('[T7] keep a dead letter of what the database cannot hold as JSON', async () => {
    bench.process(notes);
    await bench.inject('lifecycle', { name: kind === 'redis' ? 'a\u0000b' : 'ab', body: 'x'.repeat(300_000) });
    await eventually(() => bench.deadReasons(), ['envelope_malformed']);
  });

  it('[T7] make one effect of a genuine envelope, however often it is delivered', async () => {
    const copied = sealed({ body: { note: 'once' } });
    await Promise.all(Array.from({ length: 6 }, () => bench.inject('lifecycle', copied)));
    bench.process(notes);
    bench.process(notes);
    await eventually(() => bench.jobs('lifecycle'), 0);
    expect(await bench.effects()).toEqual(['once']);
    expect(await bench.deadReasons()).toEqual([]);
  });

  it('make no effect when the handler fails after it wrote, and one when it succeeds later', async () => {
    let failures = 2;
    const { queues, events } = bench.process((made) =>
      made.consume('lifecycle', {
        note: made.once(async (_message, tx) => {
          await makeEffect(tx, 'late');
          if ((failures -= 1) >= 0) throw Object.assign(new Error('upstream'), { code: 'EHOSTUNREACH' });
        }),
      }),
    );
    await queues.enqueue('lifecycle', 'note', ZONE, {});
    await eventually(() => bench.effects(), ['late']);
    await eventually(
      () => events,
      [
        'retried lifecycle infrastructure EHOSTUNREACH',
        'retried lifecycle infrastructure EHOSTUNREACH',
        'ended lifecycle done',
      ],
    );
  });

  it('bury what its handler refuses, list it, send it again on demand and then make its effect once', async () => {
    let refuse = true;
    const { queues, deadLetters, relay, database } = bench.process((made) =>
      made.consume('lifecycle', {
        note: async (message) => {
          if (refuse) throw new RefusedMessageError('not_yet');
          await made.once((_message, tx) => makeEffect(tx, 'repaired'))(message);
        },
      }),
    );
    relay.start();
    await queues.enqueue('lifecycle', 'note', ZONE, { note: 'x' });
    await eventually(() => bench.deadReasons(), ['not_yet']);
    await eventually(() => bench.jobs('lifecycle'), 0);
    const [letter] = await deadLetters.list({ limit: 10 });
    expect(letter).toMatchObject({ queue: 'lifecycle', name: 'note', zone: ZONE, reason: 'not_yet', attempts: 1 });
    expect(JSON.stringify(letter)).not.toContain('mac');
    refuse = false;
    await database.withZone(ZONE, (tx) => deadLetters.requeue(tx, letter?.id ?? ''));
    await eventually(() => bench.effects(), ['repaired']);
    expect(await bench.deadReasons()).toEqual([]);
  });

  it('[T7] never send a forgery again, and discard it on demand', async () => {
    const { deadLetters, database } = bench.process(notes);
    await bench.inject('lifecycle', { ...sealed(), zone: 'stolen' });
    await eventually(() => bench.deadReasons(), ['envelope_forged']);
    const [letter] = await deadLetters.list({ limit: 10, queue: 'lifecycle' });
    expect(letter?.zone).toBeNull();
    const id = letter?.id ?? '';
    await expect(database.withZone(ZONE, (tx) => deadLetters.requeue(tx, id))).rejects.toMatchObject({
      code: 'conflict',
    });
    expect(await bench.deadReasons()).toEqual(['envelope_forged']);
    await database.withZone(ZONE, (tx) => deadLetters.discard(tx, id));
    await expect(database.withZone(ZONE, (tx) => deadLetters.discard(tx, id))).rejects.toMatchObject({
      code: 'not_found',
    });
    expect(await bench.effects()).toEqual([]);
  });

  it('recover by themselves when the backend was lost, with nothing lost and nothing doubled', async () => {
    const { queues } = bench.process(notes);
    await queues.enqueue('lifecycle', 'note', ZONE, { note: 'before' });
    await eventually(() => bench.effects(), ['before']);
    bench.wire.cut();
    await eventually(() => queues.isReachable(), false);
    await expect(queues.enqueue('lifecycle', 'note', ZONE, { note: 'lost' })).rejects.toMatchObject({
      code: 'temporarily_unavailable',
      detail: 'queue_unreachable',
    });
    bench.wire.mend();
    await eventually(() => queues.isReachable(), true);
    await queues.enqueue('lifecycle', 'note', ZONE, { note: 'after' });
    await eventually(() => bench.effects(), ['before', 'after'], 30_000);
  });

  it('start when the backend comes, if it is not there at first', async () => {
    bench.wire.cut();
    const { queues, events } = bench.process(notes);
    await eventually(() => events.some((event) => event.startsWith('fault')), true);
    bench.wire.mend();
    await eventually(() => queues.isReachable(), true);
    await queues.enqueue('lifecycle', 'note', ZONE, { note: 'at last' });
    await eventually(() => bench.effects(), ['at last'], 30_000);
  });

  it('finish what is running before they stop', async () => {
    let release: () => void = () => undefined;
    const gate = new Promise<void>((resolve) => (release = resolve));
    let running = false;
    const process = bench.process((made) =>
      made.consume('lifecycle', {
        note: made.once(async (_message, tx) => {
          running = true;
          await gate;
          await makeEffect(tx, 'finished');
        }),
      }),
    );
    await process.queues.enqueue('lifecycle', 'note', ZONE, {});
    await eventually(() => running, true);
    const stopped = process.queues.stop(10_000);
    release();
    await stopped;
    expect(await bench.effects()).toEqual(['finished']);
    expect(await bench.jobs('lifecycle')).toBe(0);
  });

  it('run a schedule, and [T7] not once more for copies of its signed tick', async () => {
    let runs = 0;
    const { queues } = bench.process((made) => {
      made.schedule('test-work', 3_600_000, async () => void (runs += 1));
      made.consume('maintenance', { note: made.once((_message, tx) => makeEffect(tx, 'past the ticks')) });
    });
    await eventually(() => runs, 1);
    const tick = sealed({ queue: 'maintenance', name: 'tick.test-work', zone: '_system', body: {} });
    for (let copy = 0; copy < 4; copy += 1) await bench.inject('maintenance', tick);
    await queues.enqueue('maintenance', 'note', ZONE, {});
    await eventually(() => bench.effects(), ['past the ticks']);
    // The next hour's tick alone is left.
    await eventually(() => bench.jobs('maintenance'), 1);
    expect(runs).toBe(1);
  });

  it('run short schedules again and again, and forget those of earlier versions', async () => {
    let runs = 0;
    const earlier = bench.process((made) => made.schedule('earlier', 3_600_000, async () => undefined));
    await eventually(async () => (await earlier.queues.counts()).maintenance['delayed'], 1);
    await earlier.stop();
    const { queues } = bench.process((made) => made.schedule('later', 400, async () => void (runs += 1)));
    await eventually(() => runs >= 3, true);
    await eventually(async () => (await queues.counts()).maintenance['delayed'], 1);
  });
});

describe('queues on PostgreSQL', () => {
  let bench: QueueBench;
  beforeAll(async () => {
    bench = await QueueBench.open('postgres');
  });
  afterEach(() => bench.reset());
  afterAll(() => bench.close());

  it('take up again what a dead worker held', async () => {
    const { queues, stop } = bench.process();
    await queues.enqueue('lifecycle', 'note', ZONE, { note: 'abandoned' });
    await stop();
    await bench.test.superuser((client) =>
      client.query(
        `UPDATE bullmq.job SET state = 'active', lock_token = 'dead', locked_until_ms = 1, stalled_marked = true`,
      ),
    );
    bench.process(notes);
    await eventually(() => bench.effects(), ['abandoned']);
  });

  it('answer an id once even to transactions that ask at the same time, and again when the first rolled back', async () => {
    const id = newUuid();
    const ask = () => bench.database.withZone(ZONE, (tx) => consumeOnce(tx, 'lifecycle', id));
    const failed = bench.database.withZone(ZONE, async (tx) => {
      expect(await consumeOnce(tx, 'lifecycle', id)).toBe(true);
      throw new Error('rolled back');
    });
    await expect(failed).rejects.toThrow('rolled back');
    const answers = await Promise.all([ask(), ask(), ask()]);
    expect(answers.filter(Boolean)).toHaveLength(1);
    expect(await bench.database.withZone(ZONE, (tx) => consumeOnce(tx, 'delivery', id))).toBe(true);
  });

  const asQueueRole = async (sql: string): Promise<string> => {
    const client = new pg.Client(bench.database.connectionOptions('caracal_queue'));
    await client.connect();
    try {
      await client.query(sql);
      return 'allowed';
    } catch (error) {
      return String((error as { code?: unknown }).code);
    } finally {
      await client.end();
    }
  };
  const DENIED = '42501';

  it.each([
    ['reads a table of ours', 'SELECT 1 FROM caracal.zones'],
    ['reads the ledger', 'SELECT 1 FROM caracal.ledger'],
    ['writes the inbox', `INSERT INTO caracal.inbox (queue, id) VALUES ('audit', gen_random_uuid())`],
    ['makes a table', 'CREATE TABLE bullmq.mine (a int)'],
    ['makes a function', 'CREATE FUNCTION bullmq.mine() RETURNS int LANGUAGE sql AS $$ SELECT 1 $$'],
    ['alters a table', 'ALTER TABLE bullmq.job DISABLE TRIGGER ALL'],
    ['empties a table', 'TRUNCATE bullmq.job CASCADE'],
    [
      'claims another schema version',
      `INSERT INTO bullmq.migration (version, name, min_client_version) VALUES (999, 'x', 1)`,
    ],
    ['becomes the owner', 'SET ROLE caracal_owner'],
  ])('[T7] caracal_queue is refused when it %s', async (_what, sql) => {
    expect(await asQueueRole(sql)).toBe(DENIED);
  });

  it('caracal_queue may do what BullMQ needs', async () => {
    expect(await asQueueRole('SELECT count(*) FROM bullmq.job')).toBe('allowed');
    expect(await asQueueRole('SELECT max(version) FROM bullmq.migration')).toBe('allowed');
  });

  it('[T7] no other role of the process reaches the jobs', async () => {
    const attempt = (run: (sql: string) => Promise<unknown>) =>
      expect(run('SELECT 1 FROM bullmq.job')).rejects.toMatchObject({ code: DENIED });
    await attempt((sql) => bench.database.withZone(ZONE, (tx) => tx.query(sql)));
    await attempt((sql) => bench.database.withSystem('inbox', (tx) => tx.query(sql)));
    await attempt((sql) => bench.database.asJanitor((tx) => tx.query(sql)));
    await attempt((sql) => bench.database.asAudit((tx) => tx.query(sql)));
  });
});
