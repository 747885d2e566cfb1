import { resolve } from 'node:path';
import { validateSync } from 'class-validator';
import { Secret } from '../../kernel/secret.js';
import { StartError } from '../../kernel/start-error.js';
import { readSecretFile } from '../secret-files/index.js';
import type { AppConfig, HttpConfig, SecretName, SecretSource } from './app-config.js';
import { parseCidrs, parseDnsServers, parseGrantable } from './cidr.js';
import type { EnvDto } from './env.dto.js';
import { productionFaults } from './production-faults.js';
import { readSecretSources, readVariables, type Environment, type FileReader } from './variables.js';

const DEFAULT_PORT = '8080';
const DEFAULT_DATABASE_MS = '10000';
const DEFAULT_STALENESS_MS = '2000';
const DEFAULT_LOOP_DELAY_MS = '1000';
const POLL_MS = 500;
const POLLS_PER_STALENESS = 4;

/** Everything that is wrong with the environment, each variable with its fault. No line quotes a value. */
export class ConfigError extends StartError {
  override readonly name = 'ConfigError';
}

/**
 * The configuration an environment asks for, complete and deeply frozen, or a {@link ConfigError} with all faults at once.
 * Pure, but for the files that `DATABASE_URL_FILE` and its like name, which `readFile` reads. The secrets' own files are not read here.
 */
export function loadConfig(env: Environment, readFile: FileReader = readSecretFile): AppConfig {
  const faults: string[] = [];
  const dto = readVariables(env, readFile, faults);
  const secretSources = readSecretSources(env, faults);
  faults.push(...shapeFaults(dto), ...contradictions(dto));
  if (dto.NODE_ENV === 'production') faults.push(...productionFaults(env, dto));
  if (faults.length > 0) throw new ConfigError(faults);
  return deepFreeze(build(dto, secretSources));
}

function shapeFaults(dto: EnvDto): string[] {
  return validateSync(dto).flatMap((error) => Object.values(error.constraints ?? {}));
}

function contradictions(dto: EnvDto): string[] {
  const faults: string[] = [];
  const port = dto.PORT ?? DEFAULT_PORT;
  if (dto.ADMIN_PORT !== undefined && dto.ADMIN_PORT === port && port !== '0')
    faults.push('ADMIN_PORT must differ from PORT');
  if (dto.DATABASE_MIGRATE_URL !== undefined && dto.DATABASE_URL === undefined) {
    faults.push('DATABASE_MIGRATE_URL is set without DATABASE_URL');
  }
  return faults;
}

function build(dto: EnvDto, secretSources: Record<SecretName, SecretSource>): AppConfig {
  const maxStalenessMs = Number(dto.VIEW_MAX_STALENESS ?? DEFAULT_STALENESS_MS);
  return {
    production: dto.NODE_ENV === 'production',
    http: buildHttp(dto),
    dataDir: resolve(dto.DATA_DIR ?? './.caracal'),
    database: buildDatabase(dto),
    redis: given('url', dto.REDIS_URL),
    log: { level: dto.LOG_LEVEL ?? 'info' },
    egress: {
      allowLoopback: dto.EGRESS_ALLOW_LOOPBACK === 'true',
      grantable: parseGrantable(dto.EGRESS_GRANTABLE ?? '') ?? [],
      dnsServers: parseDnsServers(dto.DNS_SERVERS ?? '') ?? [],
    },
    control: {
      enabled: dto.CONTROL_ENABLED === 'true',
      ...given('gateFile', dto.CONTROL_GATE_FILE && resolve(dto.CONTROL_GATE_FILE)),
    },
    // Several polls must fit into the staleness bound, or one slow answer of the database would refuse everything.
    view: { maxStalenessMs, pollMs: Math.min(POLL_MS, Math.floor(maxStalenessMs / POLLS_PER_STALENESS)) },
    secretSources,
    metrics: dto.METRICS_TOKEN === undefined ? {} : { token: new Secret(dto.METRICS_TOKEN) },
  };
}

function buildDatabase(dto: EnvDto): AppConfig['database'] {
  return {
    ...given('url', dto.DATABASE_URL),
    ...given('migrateUrl', dto.DATABASE_MIGRATE_URL),
    timeoutMs: Number(dto.DATABASE_TIMEOUT ?? DEFAULT_DATABASE_MS),
  };
}

function buildHttp(dto: EnvDto): HttpConfig {
  return {
    host: dto.HOST ?? '127.0.0.1',
    port: Number(dto.PORT ?? DEFAULT_PORT),
    ...(dto.ADMIN_PORT === undefined ? {} : { adminPort: Number(dto.ADMIN_PORT) }),
    ...given('publicUrl', dto.PUBLIC_URL),
    trustProxy: parseCidrs(dto.TRUST_PROXY ?? '') ?? [],
    bootstrapCidrs: parseCidrs(dto.BOOTSTRAP_CIDRS ?? '127.0.0.0/8,::1/128') ?? [],
    maxLoopDelayMs: Number(dto.MAX_LOOP_DELAY ?? DEFAULT_LOOP_DELAY_MS),
  };
}

function given<K extends string>(key: K, value: string | undefined): { readonly [P in K]?: string } {
  return (value === undefined ? {} : { [key]: value }) as { readonly [P in K]?: string };
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    Object.values(value).forEach(deepFreeze);
  }
  return value;
}
