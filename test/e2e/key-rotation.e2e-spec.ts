import { randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { LedgerKeys } from '../../src/audit/ledger-keys.js';
import { verifyLedger } from '../../src/audit/verify/database/verify-ledger.js';
import { startTestApp, type TestApp } from '../support/app.js';
import { OAuthScene } from '../support/oauth-scene.js';

/** Puts a new key first into a secret's file: what an operator does to rotate it. */
async function rotate(app: TestApp, name: string): Promise<Buffer> {
  const file = path.join(app.dataDir, 'secrets', name);
  const key = randomBytes(32);
  await writeFile(file, `${key.toString('base64')}\n${await readFile(file, 'utf8')}`);
  return key;
}

describe('rotation of secrets that are rings', () => {
  it('[T6] goes on with the chain under a new key, says so in every ledger, and verifies over both', async () => {
    const app = await startTestApp();
    const scene = await OAuthScene.open(app);
    const first = app.secrets.ledgerHmac[0];
    const next = await rotate(app, 'ledger_hmac');
    const again = await app.replica();
    const same = await app.replica();
    expect(same.secrets.ledgerHmac).toEqual([next, first]);
    expect((await again.admin('POST', `/v1/zones/${scene.zone}/applications`, { name: 'Afterwards' })).status).toBe(
      201,
    );
    const entries = await scene.entries('type=ledger.key_rotated');
    expect(entries).toHaveLength(1);
    expect(entries[0]?.entry).toMatchObject({ actor: { kind: 'system' } });
    for (const report of await verifyLedger({ dsn: app.dsn, keys: new LedgerKeys(next, first), zone: undefined }))
      expect(report).toMatchObject({ fault: undefined });
    const [forgotten] = await verifyLedger({ dsn: app.dsn, keys: new LedgerKeys(next), zone: scene.zone });
    expect(forgotten?.fault).toMatchObject({ index: 0, reason: expect.stringContaining('not in the key ring') });
    await app.close();
  });

  it('[T5] a key that only replaces the first is another secret, and the process does not start on it', async () => {
    const app = await startTestApp();
    await writeFile(path.join(app.dataDir, 'secrets', 'ledger_hmac'), `${randomBytes(32).toString('base64')}\n`);
    await expect(app.replica()).rejects.toThrow(/ledger_hmac/);
    await app.close();
  });
});
