import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { AuditLedger } from '../../src/audit/audit-ledger.js';
import { NEVER_LATE_BEFORE_MS } from '../../src/audit/domain/call-ends.js';
import type { EntryDraft } from '../../src/audit/domain/entry.js';
import { OutcomeIntake } from '../../src/audit/jobs/outcome-intake.js';
import { OUTCOME_JOB, OutcomeJobs } from '../../src/audit/jobs/outcome-jobs.js';
import { LedgerKeys } from '../../src/audit/ledger-keys.js';
import { LedgerReader } from '../../src/audit/ledger-reader.js';
import { OutcomeSink } from '../../src/audit/outcome-sink.js';
import { verifyLedger } from '../../src/audit/verify/database/verify-ledger.js';
import type { JsonObject } from '../../src/kernel/json.js';
import type { Database } from '../../src/platform/database/index.js';
import type { Message } from '../../src/platform/queue/index.js';
import { systemClock } from '../../src/platform/system-clock.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { makeZone } from '../support/zone.js';

const keys = new LedgerKeys(randomBytes(32));
const OUTCOME: EntryDraft = {
  type: 'gateway.outcome',
  zone: 'acme',
  occurredAt: 1_763_942_400_000,
  requestId: 'req_1',
  actor: { kind: 'agent', id: 'app_1' },
  detail: { ended: 'complete', status: 200 },
};

let test: TestDatabase;
let database: Database;
let intake: OutcomeIntake;
let ledger: AuditLedger;
beforeAll(async () => {
  test = await createTestDatabase();
  database = await test.open();
  await makeZone(database, 'acme');
  ledger = new AuditLedger({ database, keys, clock: systemClock, onFault: () => undefined });
  intake = new OutcomeIntake({ database, keys, clock: systemClock, ledger });
});
afterAll(async () => {
  await ledger.close();
  await test.drop();
});

function message(body: JsonObject): Message {
  const id = '01900000-0000-7000-8000-000000000001';
  return { queue: 'audit', name: OUTCOME_JOB, id, zone: 'acme', issuedAt: 0, expiresAt: 1, body };
}

type Deliver = AuditLedger['deliver'];

/** The bodies of the jobs a sink sends for these drafts, beside a ledger that takes nothing unless said otherwise. */
async function sent(
  drafts: readonly EntryDraft[],
  faults: unknown[] = [],
  { deliver = () => Promise.reject(new Error('not now')), age = 0 }: { deliver?: Deliver; age?: number } = {},
): Promise<JsonObject[]> {
  const bodies: JsonObject[] = [];
  const queues = {
    enqueue: (_queue: string, _name: string, _zone: string, body: JsonObject) => {
      bodies.push(JSON.parse(JSON.stringify(body)) as JsonObject);
      return Promise.resolve();
    },
  };
  const onFault = (error: unknown) => faults.push(error);
  const jobs = new OutcomeJobs(queues, onFault);
  const sink = new OutcomeSink({ ledger: { deliver }, jobs, clock: { now: () => OUTCOME.occurredAt + age }, onFault });
  for (const draft of drafts) sink.push(draft);
  await sink.close();
  return bodies;
}

describe('gateway outcomes', () => {
  it('are in the ledger without a job when it takes them', async () => {
    const before = await new LedgerReader(database).size('acme');
    expect(await sent([OUTCOME, OUTCOME], [], { deliver: (...asked) => ledger.deliver(...asked) })).toEqual([]);
    expect((await new LedgerReader(database).size('acme')) - before).toBe(2);
  });

  it('[T7] are there once, too, when the ledger has taken them and nobody was told', async () => {
    const before = await new LedgerReader(database).size('acme');
    const deliver: Deliver = async (...asked) => {
      await ledger.deliver(...asked);
      throw new Error('the connection was lost');
    };
    const bodies = await sent([OUTCOME, OUTCOME], [], { deliver });
    expect(bodies).toHaveLength(1);
    for (const body of bodies) await intake.handle(message(body));
    expect((await new LedgerReader(database).size('acme')) - before).toBe(2);
  });

  it('[T6] of calls that began long ago take the queue, where is asked whether they were closed', async () => {
    const taken = async (age: number) => {
      const asked: number[] = [];
      const bodies = await sent([OUTCOME], [], { age, deliver: () => Promise.resolve(asked.push(age) > 0) });
      return { asked: asked.length, jobs: bodies.length };
    };
    expect(await taken(NEVER_LATE_BEFORE_MS - 1)).toEqual({ asked: 1, jobs: 0 });
    expect(await taken(NEVER_LATE_BEFORE_MS)).toEqual({ asked: 0, jobs: 1 });
  });

  it('beyond what may wait for the ledger take the queue, and none is lost', async () => {
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    const taken: number[] = [];
    const jobs: number[] = [];
    const sink = new OutcomeSink({
      ledger: {
        deliver: async (_zone, entries) => {
          taken.push(entries.length);
          await held;
          return true;
        },
      },
      clock: { now: () => OUTCOME.occurredAt },
      jobs: { push: (outcomes) => jobs.push(outcomes.length), close: () => Promise.resolve() },
      onFault: () => undefined,
    });
    for (const count of [1_000, 25, 24]) {
      for (let n = 0; n < count; n += 1) sink.push(OUTCOME);
      await pause(60);
    }
    release();
    await sink.close();
    expect({ taken, jobs }).toEqual({ taken: [1_000, 24], jobs: [25] });
  });

  it('[T7] are appended once however often a job is delivered, two replicas at once included', async () => {
    const [body] = await sent([OUTCOME, OUTCOME, OUTCOME]);
    const before = await new LedgerReader(database).size('acme');
    await Promise.all(Array.from({ length: 4 }, () => intake.handle(message(body as JsonObject))));
    expect((await new LedgerReader(database).size('acme')) - before).toBe(3);
    const [event] = await new LedgerReader(database).events('acme', { requestId: 'req_1' }, { limit: 1 });
    expect(event?.entry).toMatchObject({ type: 'gateway.outcome', detail: { ended: 'complete', status: 200 } });
    const [report] = await verifyLedger({ dsn: test.dsn, keys, zone: 'acme' });
    expect(report?.fault).toBeUndefined();
  });

  it('[T7] that were delivered before harm nobody who is committed with them', async () => {
    const [body] = await sent([OUTCOME, OUTCOME]);
    const decision: EntryDraft = { ...OUTCOME, type: 'exchange', decision: 'allow' };
    const other = new AuditLedger({ database: await test.open(), keys, clock: systemClock, onFault: () => undefined });
    const twin = new OutcomeIntake({ database, keys, clock: systemClock, ledger: other });
    const before = await new LedgerReader(database).size('acme');
    for (let round = 0; round < 5; round += 1) {
      const decided = [ledger.append(decision), other.append(decision)];
      await Promise.all([intake, intake, twin].map((each) => each.handle(message(body as JsonObject))));
      await Promise.all(decided);
    }
    await other.close();
    expect((await new LedgerReader(database).size('acme')) - before).toBe(2 + 5 * 2);
    const [report] = await verifyLedger({ dsn: test.dsn, keys, zone: 'acme' });
    expect(report?.fault).toBeUndefined();
  });

  it('[T7] of a zone without a ledger are refused for good', async () => {
    const [body] = await sent([{ ...OUTCOME, zone: 'nowhere' }]);
    const refused = intake.handle({ ...message(body as JsonObject), zone: 'nowhere' });
    await expect(refused).rejects.toMatchObject({ reason: 'unknown_zone' });
  });

  it('[T7] with a NUL, which no text of the database holds, are refused before they meet others', async () => {
    const [body] = await sent([OUTCOME]);
    const [outcome] = body?.['outcomes'] as JsonObject[];
    const bad = message({ outcomes: [{ ...outcome, facets: ['type=\0'] }] });
    await expect(intake.handle(bad)).rejects.toMatchObject({ reason: 'malformed_outcome' });
  });

  it('travel at most 256 to a job', async () => {
    const bodies = await sent(Array.from({ length: 600 }, () => OUTCOME));
    expect(bodies.map((body) => (body['outcomes'] as unknown[]).length)).toEqual([256, 256, 88]);
  });

  it('one that cannot be an entry is reported and harms no other', async () => {
    const faults: unknown[] = [];
    const [body] = await sent([{ ...OUTCOME, detail: { big: 'x'.repeat(70_000) } }, OUTCOME], faults);
    expect(faults).toHaveLength(1);
    expect(body?.['outcomes']).toHaveLength(1);
  });

  it.each<[string, Partial<EntryDraft>]>([
    ['a decision', { decision: 'allow' }],
    ['another type', { type: 'gateway.request' }],
    ['another zone', { zone: 'other' }],
  ])('[T6] %s cannot be smuggled in after the fact', async (_name, change) => {
    const [body] = await sent([{ ...OUTCOME, ...change }]);
    const before = await new LedgerReader(database).size('acme');
    await expect(intake.handle(message(body as JsonObject))).rejects.toMatchObject({ reason: 'not_an_outcome' });
    expect(await new LedgerReader(database).size('acme')).toBe(before);
  });

  it.each<[string, JsonObject]>([
    ['no list', {}],
    ['an empty list', { outcomes: [] }],
    ['no entry', { outcomes: [{ event_id: '01900000-0000-7000-8000-000000000000', facets: [] }] }],
    ['no text', { outcomes: [{ event_id: '01900000-0000-7000-8000-000000000000', facets: [], entry: '{' }] }],
    ['a foreign event id', { outcomes: [{ event_id: 'x', facets: [], entry: '{}' }] }],
  ])('[T7] a job with %s is refused for good', async (_name, body) => {
    await expect(intake.handle(message(body))).rejects.toMatchObject({ name: 'RefusedMessageError' });
  });
});
