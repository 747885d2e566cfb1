import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, it, expect } from '@jest/globals';
import { checkSecretFormat, formatSecret } from '../../kernel/client-secret.js';
import { StartError } from '../../kernel/start-error.js';
import { loadConfig, SECRET_FILES, type Environment } from '../config/index.js';
import { loadSecrets, readKeyRing, secretFingerprints } from './index.js';

const NAMES = Object.values(SECRET_FILES);
const GENERATE = { mayGenerate: true };
const KEEP = { mayGenerate: false };

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'caracal-secrets-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const kept = (name: string) => join(dir, 'secrets', name);
const load = (options = GENERATE, env: Environment = {}) => loadSecrets(loadConfig({ DATA_DIR: dir, ...env }), options);

async function faultsOf(options = GENERATE, env: Environment = {}): Promise<readonly string[]> {
  const error: unknown = await load(options, env).catch((cause: unknown) => cause);
  expect(error).toBeInstanceOf(StartError);
  return (error as StartError).faults;
}

describe('the first start', () => {
  it('makes every secret, private to this user', async () => {
    await load();
    expect(readdirSync(join(dir, 'secrets')).sort()).toEqual([...NAMES].sort());
    expect(statSync(join(dir, 'secrets')).mode & 0o777).toBe(0o700);
    expect(NAMES.map((name) => statSync(kept(name)).mode & 0o777)).toEqual(NAMES.map(() => 0o600));
    expect(checkSecretFormat('cat_', readFileSync(kept('admin_token'), 'utf8').trim())).toBe(true);
  });

  it('gives different secrets to different directories and the same ones to the next start', async () => {
    const first = secretFingerprints(await load());
    expect(new Set(Object.values(first)).size).toBe(NAMES.length);
    expect(secretFingerprints(await load(KEEP))).toEqual(first);
  });

  it('gives processes that start together the same secrets', async () => {
    const loads = await Promise.all(Array.from({ length: 8 }, () => load()));
    expect(new Set(loads.map((secrets) => JSON.stringify(secretFingerprints(secrets)))).size).toBe(1);
  });

  it('makes only what is missing', async () => {
    const first = secretFingerprints(await load());
    rmSync(kept('pepper'));
    expect(secretFingerprints(await load())).toEqual({
      ...first,
      pepper: [expect.not.stringContaining(first['pepper']?.[0] ?? '')],
    });
  });

  it('makes nothing when all are given', async () => {
    const given = secretEnvironment();
    await load(KEEP, given);
    expect(readdirSync(dir)).toEqual([]);
  });

  it('[T5] shows none when printed', async () => {
    const secrets = await load();
    const shown = inspect({ password: secrets.databasePassword, token: secrets.adminToken });
    expect(shown).not.toContain(readFileSync(kept('admin_token'), 'utf8').trim());
    expect(shown).not.toContain(readFileSync(kept('database_password'), 'utf8').trim());
  });
});

describe('[T5] secrets that are not taken', () => {
  it('names each missing one when none may be made', async () => {
    const faults = await faultsOf(KEEP);
    expect(faults).toHaveLength(NAMES.length);
    NAMES.forEach((name, at) =>
      expect(faults[at]).toMatch(new RegExp(`^secret ${name} is missing: set ${name.toUpperCase()}_FILE`)),
    );
    expect(readdirSync(dir)).toEqual([]);
  });

  it.each(NAMES)('refuses a weak %s and says its name, not its value', async (name) => {
    const weak = name === 'admin_token' ? 'cat_admin' : 'c0ffee'.repeat(12);
    const faults = await faultsOf(GENERATE, { [name.toUpperCase()]: weak });
    expect(faults).toHaveLength(1);
    expect(faults[0]).toMatch(new RegExp(`^secret ${name} is `));
    expect(faults[0]).not.toContain(weak);
  });

  it('refuses a kept file that others can read', async () => {
    await load();
    chmodSync(kept('kek'), 0o644);
    expect(await faultsOf()).toEqual([
      expect.stringMatching(/^secret kek cannot be read from .*readable by every user/),
    ]);
  });

  it('refuses a link out of the directory, also one that leads nowhere', async () => {
    mkdirSync(join(dir, 'secrets'));
    symlinkSync(join(dir, 'nowhere'), kept('kek'));
    writeFileSync(join(dir, 'pepper'), randomBytes(32).toString('hex'), { mode: 0o600 });
    symlinkSync(join(dir, 'pepper'), kept('pepper'));
    const faults = await faultsOf();
    expect(faults).toHaveLength(2);
    expect(faults.join()).toMatch(/secret kek cannot be read.*secret pepper cannot be read.*leaves its directory/s);
  });

  it('refuses a file that is named and not there, and makes none in its place', async () => {
    expect(await faultsOf(GENERATE, { KEK_FILE: join(dir, 'kek') })).toEqual([expect.stringContaining('no such file')]);
    expect(readdirSync(dir)).not.toContain('kek');
  });
});

describe("the ledger's key beside a server", () => {
  it('is the one the server uses', async () => {
    expect(await readKeyRing(dir, 'ledgerHmac').catch((error: unknown) => error)).toBeInstanceOf(StartError);
    expect(await readKeyRing((await load(), dir), 'ledgerHmac')).toEqual((await load()).ledgerHmac);
  });
});

function secretEnvironment(): Environment {
  const keys = NAMES.filter((name) => name !== 'admin_token').map((name) => [
    name.toUpperCase(),
    randomBytes(32).toString('base64'),
  ]);
  return { ...Object.fromEntries(keys), ADMIN_TOKEN: formatSecret('cat_', randomBytes(32)) };
}
