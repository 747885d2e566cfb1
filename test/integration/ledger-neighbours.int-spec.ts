import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { AuditLedger } from '../../src/audit/audit-ledger.js';
import type { EntryDraft } from '../../src/audit/domain/entry.js';
import { LedgerKeys } from '../../src/audit/ledger-keys.js';
import { verifyLedger } from '../../src/audit/verify/database/verify-ledger.js';
import { systemClock } from '../../src/platform/system-clock.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { makeZone } from '../support/zone.js';

const keys = new LedgerKeys(randomBytes(32));
const NEIGHBOURS = ['broken', 'sound-1', 'sound-2'] as const;

let test: TestDatabase;
let ledger: AuditLedger;
beforeAll(async () => {
  test = await createTestDatabase();
  const database = await test.open();
  ledger = new AuditLedger({ database, keys, clock: systemClock, onFault: () => undefined });
  for (const zone of NEIGHBOURS) await makeZone(database, zone);
});
afterAll(async () => {
  await ledger.close();
  await test.drop();
});

const append = (zone: string) => {
  const draft: EntryDraft = {
    type: 'exchange',
    zone,
    occurredAt: Date.now(),
    actor: { kind: 'system' },
    decision: 'allow',
  };
  return ledger.append(draft).then(
    ({ index }) => index,
    (error: { detail?: string }) => error.detail ?? 'refused',
  );
};
/** Four entries of each zone that wait for one group. */
const together = () => Promise.all(NEIGHBOURS.flatMap((zone) => Array.from({ length: 4 }, () => append(zone))));

describe('a ledger that somebody has broken', () => {
  it('[T6] refuses its own entries, and not those of other zones in the same group', async () => {
    const before = await together();
    expect(before.every((index) => typeof index === 'number')).toBe(true);
    await test.superuser((client) =>
      client.query(`
        CREATE FUNCTION caracal.breaks() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'broken'; END $$;
        CREATE TRIGGER breaks BEFORE INSERT ON caracal.ledger FOR EACH ROW WHEN (NEW.zone = 'broken') EXECUTE FUNCTION caracal.breaks()`),
    );
    for (let round = 0; round < 3; round += 1) {
      const after = await together();
      expect(after.slice(0, 4)).toEqual(Array.from({ length: 4 }, () => expect.stringContaining('audit_unavailable')));
      expect(after.slice(4).every((index) => typeof index === 'number')).toBe(true);
    }
    const reports = await verifyLedger({ dsn: test.dsn, keys, zone: undefined });
    expect(reports.filter(({ fault }) => fault !== undefined)).toEqual([]);
    expect(Object.fromEntries(reports.map(({ zone, size }) => [zone, size]))).toMatchObject({
      broken: before.length / 3,
      'sound-1': 16,
      'sound-2': 16,
    });
  });
});
