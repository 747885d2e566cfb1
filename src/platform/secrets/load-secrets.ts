import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { formatSecret } from '../../kernel/client-secret.js';
import { StartError } from '../../kernel/start-error.js';
import { SECRET_FILES, type AppConfig, type SecretName } from '../config/index.js';
import { createSecretFile, ensurePrivateDirectory, readSecretFile } from '../secret-files/index.js';
import { encodeKey } from './domain/key-text.js';
import { parseAdminToken, parseKey, parseKeyRing, parsePassword, type Parsed } from './domain/parse-secret.js';
import type { Secrets } from './secrets.js';

const KEY_BYTES = 32;

export interface LoadSecretsOptions {
  /** Whether missing secrets are made under `DATA_DIR/secrets`. Right only where no data exists that other secrets protect. */
  readonly mayGenerate: boolean;
}

/**
 * Every secret, from its variable, its file or `DATA_DIR/secrets`, checked for form and strength; with `mayGenerate` what is missing is made
 * first. Rejects with a {@link StartError} that names each secret at fault and shows none. Processes that start at the same moment on one
 * directory get the same secrets.
 */
export async function loadSecrets(config: AppConfig, options: LoadSecretsOptions): Promise<Secrets> {
  await Promise.resolve();
  const texts = new SecretTexts(config, options.mayGenerate);
  const secrets = {
    kek: texts.take('kek', parseKeyRing),
    pepper: texts.take('pepper', parseKey),
    ledgerHmac: texts.take('ledgerHmac', parseKeyRing),
    checkpointKey: texts.take('checkpointKey', parseKeyRing),
    queueHmac: texts.take('queueHmac', parseKey),
    databasePassword: texts.take('databasePassword', parsePassword),
    adminToken: texts.take('adminToken', parseAdminToken),
  };
  if (texts.faults.length > 0) throw new StartError(texts.faults);
  // Each secret that could not be taken left a fault, so here none is missing.
  return Object.freeze(secrets as Secrets);
}

/** A ring of keys as `DATA_DIR/secrets` keeps it, for verifying a ledger beside a server or without one. */
export async function readKeyRing(
  dataDir: string,
  name: 'ledgerHmac' | 'checkpointKey',
): Promise<readonly [Buffer, ...Buffer[]]> {
  await Promise.resolve();
  const path = join(dataDir, 'secrets', SECRET_FILES[name]);
  try {
    const ring = parseKeyRing(readSecretFile(path));
    if ('value' in ring) return ring.value;
    throw new Error(`it ${ring.fault}`);
  } catch (error) {
    throw new StartError(`${path}: ${(error as Error).message}`);
  }
}

class SecretTexts {
  readonly faults: string[] = [];
  private readonly directory: string;

  constructor(
    private readonly config: AppConfig,
    private readonly mayGenerate: boolean,
  ) {
    this.directory = join(config.dataDir, 'secrets');
  }

  take<T>(name: SecretName, parse: (text: string) => Parsed<T>): T | undefined {
    const text = this.find(name);
    if (text === undefined) return undefined;
    const parsed = parse(text);
    if ('value' in parsed) return parsed.value;
    this.faults.push(`secret ${SECRET_FILES[name]} ${parsed.fault}`);
    return undefined;
  }

  private find(name: SecretName): string | undefined {
    const source = this.config.secretSources[name];
    if (source.inline) return source.inline.reveal();
    const path = source.file ?? join(this.directory, SECRET_FILES[name]);
    if (source.file === undefined && !this.provide(name, path)) return undefined;
    try {
      return readSecretFile(path);
    } catch (error) {
      this.faults.push(`secret ${SECRET_FILES[name]} cannot be read from ${path}: ${(error as Error).message}`);
      return undefined;
    }
  }

  /** Whether something is there now, be it a link without a target, which is then refused and not replaced. */
  private provide(name: SecretName, path: string): boolean {
    if (existsSync(path)) return true;
    const variable = SECRET_FILES[name].toUpperCase();
    if (!this.mayGenerate) {
      this.faults.push(`secret ${SECRET_FILES[name]} is missing: set ${variable}_FILE, or restore ${path}`);
      return false;
    }
    try {
      ensurePrivateDirectory(this.directory);
      createSecretFile(path, generate(name));
      return true;
    } catch (error) {
      this.faults.push(`secret ${SECRET_FILES[name]} cannot be made at ${path}: ${(error as Error).message}`);
      return false;
    }
  }
}

function generate(name: SecretName): string {
  const random = randomBytes(KEY_BYTES);
  return name === 'adminToken' ? formatSecret('cat_', random) : encodeKey(random);
}
