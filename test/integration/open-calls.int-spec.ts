import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { AuditLedger } from '../../src/audit/audit-ledger.js';
import type { EntryDraft } from '../../src/audit/domain/entry.js';
import { OutcomeIntake } from '../../src/audit/jobs/outcome-intake.js';
import { OUTCOME_JOB, OutcomeJobs } from '../../src/audit/jobs/outcome-jobs.js';
import { UnknownOutcomes } from '../../src/audit/jobs/unknown-outcomes.js';
import { LedgerKeys } from '../../src/audit/ledger-keys.js';
import { followCalls } from '../../src/audit/persistence/open-calls.js';
import { LedgerReader, type LedgerEvent } from '../../src/audit/ledger-reader.js';
import { prepareEntry } from '../../src/audit/prepare-entry.js';
import { verifyLedger } from '../../src/audit/verify/database/verify-ledger.js';
import type { Clock } from '../../src/kernel/clock.js';
import type { JsonObject } from '../../src/kernel/json.js';
import type { Database } from '../../src/platform/database/index.js';
import type { Message } from '../../src/platform/queue/index.js';
import { systemClock } from '../../src/platform/system-clock.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { makeZone } from '../support/zone.js';

const keys = new LedgerKeys(randomBytes(32));
const MINUTE = 60_000;
/** Long after every call of these tests has had its time. */
const LATER = Date.now() + 60 * MINUTE;

let test: TestDatabase;
let database: Database;
let ledger: AuditLedger;
let zones = 0;

beforeAll(async () => {
  test = await createTestDatabase();
  database = await test.open();
  ledger = new AuditLedger({ database, keys, clock: systemClock, onFault: () => undefined });
});
afterAll(async () => {
  await ledger.close();
  await test.drop();
});

async function newZone(): Promise<string> {
  const zone = `calls-${(zones += 1)}`;
  await makeZone(database, zone);
  return zone;
}

function draft(zone: string, more: Partial<EntryDraft> = {}): EntryDraft {
  return {
    type: 'gateway.request',
    zone,
    occurredAt: Date.now() - 10 * MINUTE,
    requestId: 'req_call',
    actor: { kind: 'agent', id: 'app_1' },
    application: 'app_1',
    resource: 'https://api.example.test',
    operation: { method: 'GET', path: '/tickets' },
    token: { jti: 'jti_1', exp: Math.floor(Date.now() / 1_000) + 300 },
    decision: 'allow',
    ...more,
  };
}

const clockAt = (now: number): Clock => ({ now: () => now, monotonic: () => systemClock.monotonic() });

/** A replica's maintenance, at a time. */
function upkeep(now: number, on: Database = database): UnknownOutcomes {
  return new UnknownOutcomes({
    database: on,
    keys,
    clock: clockAt(now),
    queues: { schedule: () => undefined },
    onClosed: () => undefined,
  });
}

/** The job that brings the outcome of a call. */
async function outcomeJob(zone: string, request: number, more: JsonObject = {}): Promise<Message> {
  let body: JsonObject = {};
  const jobs = new OutcomeJobs(
    {
      enqueue: (_queue, _name, _zone, sent) => {
        body = JSON.parse(JSON.stringify(sent)) as JsonObject;
        return Promise.resolve();
      },
    },
    () => undefined,
  );
  const { decision: _decided, ...call } = draft(zone);
  const detail = { ended: 'complete', status: 200, request, ...more };
  jobs.push([{ zone, prepared: prepareEntry({ ...call, type: 'gateway.outcome', detail }) }]);
  await jobs.close();
  const id = '01900000-0000-7000-8000-000000000001';
  return { queue: 'audit', name: OUTCOME_JOB, id, zone, issuedAt: 0, expiresAt: 1, body };
}

const intake = (now = Date.now()): OutcomeIntake => new OutcomeIntake({ database, keys, ledger, clock: clockAt(now) });

async function ofType(zone: string, type: string): Promise<LedgerEvent[]> {
  return new LedgerReader(database).events(zone, { facets: { type } }, { limit: 200 });
}

describe('the outcome of a call whose process died', () => {
  it('[T6] is unknown once its time is over, whoever looks and however often', async () => {
    const zone = await newZone();
    const { index } = await ledger.append(draft(zone));
    await ledger.append(draft(zone, { decision: 'deny', reasons: ['no_permit'] }));
    await ledger.append(draft(zone, { type: 'exchange' }));
    await upkeep(Date.now()).run();
    expect(await ofType(zone, 'gateway.outcome')).toEqual([]);
    const second = await test.open();
    for (let round = 0; round < 2; round += 1)
      await Promise.all([upkeep(LATER).run(), upkeep(LATER, second).run(), upkeep(LATER).run()]);
    const outcomes = await ofType(zone, 'gateway.outcome');
    expect(outcomes.map(({ entry }) => entry)).toMatchObject([
      {
        actor: { kind: 'system' },
        request_id: 'req_call',
        resource: 'https://api.example.test',
        operation: { method: 'GET', path: '/tickets' },
        detail: { status: 'unknown', request: index },
      },
    ]);
    const [report] = await verifyLedger({ dsn: test.dsn, keys, zone });
    expect(report?.fault).toBeUndefined();
  });

  it('[T6] is not unknown when it has come, before its call was followed or after', async () => {
    const zone = await newZone();
    const early = await ledger.append(draft(zone));
    await intake().handle(await outcomeJob(zone, early.index));
    const later = await ledger.append(draft(zone));
    await upkeep(Date.now()).run();
    await intake().handle(await outcomeJob(zone, later.index));
    await upkeep(LATER).run();
    const outcomes = await ofType(zone, 'gateway.outcome');
    expect(outcomes.map(({ entry }) => entry['detail'])).toMatchObject([
      { status: 200, request: early.index },
      { status: 200, request: later.index },
    ]);
  });

  it('[T6] that comes late is news beside the unknown one, once, and no second outcome', async () => {
    const zone = await newZone();
    const { index } = await ledger.append(draft(zone));
    await upkeep(LATER).run();
    const job = await outcomeJob(zone, index);
    await Promise.all(Array.from({ length: 3 }, () => intake().handle(job)));
    await upkeep(LATER).run();
    expect((await ofType(zone, 'gateway.outcome')).map(({ entry }) => entry['detail'])).toMatchObject([
      { status: 'unknown', request: index },
    ]);
    expect((await ofType(zone, 'ledger.late_outcome')).map(({ entry }) => entry)).toMatchObject([
      { application: 'app_1', detail: { status: 200, ended: 'complete', request: index } },
    ]);
  });

  it('[T6] and the real one, both under way at once, make one outcome', async () => {
    const zone = await newZone();
    const calls = await Promise.all(Array.from({ length: 40 }, () => ledger.append(draft(zone))));
    await upkeep(Date.now()).run();
    const jobs = await Promise.all(calls.map(({ index }) => outcomeJob(zone, index)));
    await Promise.all([...jobs.map((job) => intake().handle(job)), upkeep(LATER).run(), upkeep(LATER).run()]);
    const outcomes = await ofType(zone, 'gateway.outcome');
    const ended = outcomes.map(({ entry }) => (entry['detail'] as { request: number }).request);
    expect(ended.toSorted((a, b) => a - b)).toEqual(calls.map(({ index }) => index).toSorted((a, b) => a - b));
    const late = await ofType(zone, 'ledger.late_outcome');
    const unknown = outcomes.filter(({ entry }) => (entry['detail'] as JsonObject)['status'] === 'unknown');
    expect(late).toHaveLength(unknown.length);
  });

  it("waits for as long as the resource's total limit allows, and no longer than the mandate", async () => {
    const zone = await newZone();
    await database.withZone(zone, (tx) =>
      tx.query(
        `INSERT INTO resources (zone, id, slug, identifier, name, limits) VALUES ($1, 'res_1', 'api', 'https://api.example.test', 'API', '{"total_timeout_ms": 1000}')`,
        [zone],
      ),
    );
    const now = Date.now();
    const limited = await ledger.append(draft(zone, { occurredAt: now }));
    const free = await ledger.append(draft(zone, { occurredAt: now, resource: 'https://other.example.test' }));
    const indices = async () =>
      (await ofType(zone, 'gateway.outcome')).map(({ entry }) => (entry['detail'] as { request: number }).request);
    await upkeep(now + 5 * MINUTE).run();
    expect(await indices()).toEqual([]);
    await upkeep(now + 6 * MINUTE).run();
    expect(await indices()).toEqual([limited.index]);
    await upkeep(now + 9 * MINUTE).run();
    expect(await indices()).toEqual([limited.index]);
    await upkeep(now + 11 * MINUTE).run();
    expect(await indices()).toEqual([limited.index, free.index]);
  });

  it.each([1, 4, 100])(
    'is found out in pages of %d, wherever one ends and whatever an outcome leaves unsaid',
    async (page) => {
      const zone = await newZone();
      const calls = await Promise.all(Array.from({ length: 6 }, () => ledger.append(draft(zone))));
      const indices = calls.map(({ index }) => index).toSorted((a, b) => a - b);
      await ledger.append(draft(zone, { type: 'gateway.outcome', detail: { ended: 'complete' } }));
      for (const ended of indices.slice(0, 2)) await intake().handle(await outcomeJob(zone, ended));
      while ((await followCalls(database, zone, page)) > 0);
      const open = await database.querySystem<{ index: string }>(
        'open-calls',
        'SELECT index FROM caracal.open_calls WHERE zone = $1 ORDER BY index',
        [zone],
      );
      expect(open.map(({ index }) => Number(index))).toEqual(indices.slice(2));
    },
  );

  it('[T12] no role but those of the jobs follows or closes calls', async () => {
    const zone = await newZone();
    const forbidden = { code: '42501' };
    await expect(
      database.asAudit((tx) => tx.query('SELECT caracal.calls_follow($1, 1)', [zone])),
    ).rejects.toMatchObject(forbidden);
    await expect(
      database.withZone(zone, (tx) => tx.query('SELECT * FROM caracal.calls_close($1, now(), 1)', [zone])),
    ).rejects.toMatchObject(forbidden);
    for (const table of ['open_calls', 'call_watermarks'])
      await expect(database.withZone(zone, (tx) => tx.query(`DELETE FROM caracal.${table}`))).rejects.toMatchObject(
        forbidden,
      );
  });
});
