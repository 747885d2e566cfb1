import { inspect } from 'node:util';
import { describe, it, expect } from '@jest/globals';
import { ConfigError, loadConfig } from './index.js';
import { ENV_VARIABLES, EnvDto } from './env.dto.js';
import { SECRET_VARIABLES, type Environment } from './variables.js';

const PRODUCTION = { NODE_ENV: 'production', PUBLIC_URL: 'https://auth.example.com' };

function faultsOf(env: Environment, readFile?: (path: string) => string): readonly string[] {
  try {
    loadConfig(env, readFile);
    return [];
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return (error as ConfigError).faults;
  }
}

describe('configuration', () => {
  it('needs nothing and is closed by default', () => {
    expect(loadConfig({})).toEqual({
      production: false,
      http: {
        host: '127.0.0.1',
        port: 8080,
        trustProxy: [],
        bootstrapCidrs: ['127.0.0.0/8', '::1/128'],
        maxLoopDelayMs: 1000,
      },
      dataDir: `${process.cwd()}/.caracal`,
      database: { timeoutMs: 10_000 },
      redis: {},
      log: { level: 'info' },
      egress: { allowLoopback: false, grantable: [], dnsServers: [] },
      control: { enabled: false },
      view: { maxStalenessMs: 2000, pollMs: 500 },
      secretSources: {
        kek: {},
        pepper: {},
        ledgerHmac: {},
        checkpointKey: {},
        queueHmac: {},
        databasePassword: {},
        adminToken: {},
      },
      metrics: {},
    });
  });

  it('takes an empty variable as an unset one', () => {
    const empty = Object.fromEntries(ENV_VARIABLES.map((name) => [name, '']));
    expect(loadConfig({ ...empty, KEK: '', KEK_FILE: '' })).toEqual(loadConfig({}));
  });

  it('reads every variable', () => {
    const config = loadConfig({
      HOST: '::',
      PORT: '0',
      ADMIN_PORT: '9090',
      PUBLIC_URL: 'http://auth.example.com:8080/base',
      TRUST_PROXY: '10.0.0.0/8, 192.168.1.7',
      BOOTSTRAP_CIDRS: 'fd00::/8',
      DATA_DIR: '/var/data',
      DATABASE_URL: 'postgres:///caracal?host=/run/postgres',
      DATABASE_MIGRATE_URL: 'postgresql://migrator:pw@db/caracal',
      DATABASE_TIMEOUT: '2500',
      REDIS_URL: 'rediss://cache:6379',
      LOG_LEVEL: 'debug',
      EGRESS_ALLOW_LOOPBACK: 'true',
      EGRESS_GRANTABLE: '10.1.0.0/16:443,[fd00::/8]:8443,fd01::/16:80',
      DNS_SERVERS: '10.0.0.53, 127.0.0.1:5353,[fd00::53]:54,fd00::54',
      CONTROL_ENABLED: 'true',
      CONTROL_GATE_FILE: '/etc/gate',
      VIEW_MAX_STALENESS: '400',
      MAX_LOOP_DELAY: '0',
    });
    expect(config).toMatchObject({
      http: {
        host: '::',
        port: 0,
        adminPort: 9090,
        publicUrl: 'http://auth.example.com:8080/base',
        bootstrapCidrs: ['fd00::/8'],
        maxLoopDelayMs: 0,
      },
      dataDir: '/var/data',
      database: {
        url: 'postgres:///caracal?host=/run/postgres',
        migrateUrl: 'postgresql://migrator:pw@db/caracal',
        timeoutMs: 2_500,
      },
      redis: { url: 'rediss://cache:6379' },
      log: { level: 'debug' },
      egress: {
        allowLoopback: true,
        grantable: [
          { cidr: '10.1.0.0/16', port: 443 },
          { cidr: 'fd00::/8', port: 8443 },
          { cidr: 'fd01::/16', port: 80 },
        ],
        dnsServers: ['10.0.0.53:53', '127.0.0.1:5353', '[fd00::53]:54', '[fd00::54]:53'],
      },
      control: { enabled: true, gateFile: '/etc/gate' },
      view: { maxStalenessMs: 400, pollMs: 100 },
    });
    expect(config.http.trustProxy).toEqual(['10.0.0.0/8', '192.168.1.7/32']);
  });

  it('is frozen to its leaves', () => {
    const config = loadConfig({ KEK: 'value' });
    expect(() => Object.assign(config.http, { port: 1 })).toThrow(TypeError);
    expect(() => Object.assign(config.secretSources.kek, { file: 'x' })).toThrow(TypeError);
    expect(() => (config.http.bootstrapCidrs as string[]).push('0.0.0.0/0')).toThrow(TypeError);
  });

  it('says all faults at once', () => {
    expect(
      faultsOf({
        PORT: '70000',
        LOG_LEVEL: 'loud',
        KEK: 'a',
        KEK_FILE: 'b',
        DATABASE_MIGRATE_URL: 'postgres://m@db/x',
      }),
    ).toHaveLength(4);
  });

  it('lists exactly the variables of its DTO', () => {
    expect(
      Object.keys(Object.assign(new EnvDto(), Object.fromEntries(ENV_VARIABLES.map((name) => [name, '1'])))),
    ).toEqual([...ENV_VARIABLES]);
  });

  it.each(['1', 'TRUE', 'yes', ' true', 'on', 'false'])('[T9] leaves control off for CONTROL_ENABLED=%j', (value) => {
    expect(loadConfig({ CONTROL_ENABLED: value }).control.enabled).toBe(false);
  });

  it.each<[string, string]>([
    ['NODE_ENV', 'prodution'],
    ['HOST', 'http://here'],
    ['PORT', '-1'],
    ['PORT', '65536'],
    ['PORT', '08080'],
    ['PORT', '0x10'],
    ['PORT', '80 '],
    ['ADMIN_PORT', '8080'],
    ['TRUST_PROXY', 'true'],
    ['TRUST_PROXY', '10.0.0.0/33'],
    ['TRUST_PROXY', '10.0.0.1/8'],
    ['TRUST_PROXY', '010.0.0.0/8'],
    ['TRUST_PROXY', '10/8'],
    ['BOOTSTRAP_CIDRS', 'localhost'],
    ['BOOTSTRAP_CIDRS', 'fe80::1%eth0/64'],
    ['DATABASE_URL', 'mysql://db/x'],
    ['DATABASE_URL', 'postgres://db'],
    ['DATABASE_URL', 'db'],
    ['REDIS_URL', 'http://cache'],
    ['EGRESS_ALLOW_LOOPBACK', '1'],
    ['EGRESS_GRANTABLE', '10.0.0.0/8'],
    ['EGRESS_GRANTABLE', '10.0.0.0/8:0'],
    ['EGRESS_GRANTABLE', '10.0.0.0/8:65536'],
    ['EGRESS_GRANTABLE', 'example.com:443'],
    ['DNS_SERVERS', 'dns.example'],
    ['DNS_SERVERS', '10.0.0.53:0'],
    ['DNS_SERVERS', '[10.0.0.53]:53'],
    ['DNS_SERVERS', '010.0.0.53'],
    ['DATABASE_TIMEOUT', '999'],
    ['DATABASE_TIMEOUT', '60001'],
    ['VIEW_MAX_STALENESS', '99'],
    ['VIEW_MAX_STALENESS', '2s'],
    ['MAX_LOOP_DELAY', '19'],
    ['MAX_LOOP_DELAY', '60001'],
    ['METRICS_TOKEN', 'short'],
    ['PUBLIC_URL', '/relative'],
    ['PUBLIC_URL', 'ftp://a.example'],
    ['PUBLIC_URL', 'https://a.example/'],
    ['PUBLIC_URL', 'https://a.example/base/'],
    ['PUBLIC_URL', 'https://a.example?x'],
    ['PUBLIC_URL', 'https://a.example?'],
    ['PUBLIC_URL', 'https://a.example#x'],
    ['PUBLIC_URL', 'https://user@a.example'],
    ['PUBLIC_URL', 'https://A.example'],
    ['PUBLIC_URL', 'https://a.example:443'],
    ['PUBLIC_URL', 'https://a.example/x/../y'],
    ['PUBLIC_URL', 'https:a.example'],
  ])('refuses %s=%s in one line that names it', (name, value) => {
    const faults = faultsOf({ [name]: value });
    expect(faults).toHaveLength(1);
    expect(faults[0]).toContain(name);
  });

  it('[T5] quotes no value in a fault', () => {
    const env = Object.fromEntries(ENV_VARIABLES.map((name) => [name, 'canary-Ω']));
    expect(faultsOf(env).join('\n')).not.toContain('canary');
  });

  it.each(['postgres:///x?host=/run', 'postgres://u:p@/x?host=/run', 'postgresql://u@db:5433/x'])(
    'accepts the database %s',
    (url) => {
      expect(faultsOf({ DATABASE_URL: url })).toEqual([]);
    },
  );
});

describe('secrets in the configuration', () => {
  it.each(SECRET_VARIABLES)('takes %s from %s or its file, never from both', (name, variable) => {
    expect(loadConfig({ [variable]: 'value' }).secretSources[name].inline?.reveal()).toBe('value');
    expect(loadConfig({ [`${variable}_FILE`]: '/run/secret' }).secretSources[name]).toEqual({ file: '/run/secret' });
    expect(faultsOf({ [variable]: 'value', [`${variable}_FILE`]: '/run/secret' })).toEqual([
      `${variable} and ${variable}_FILE are both set; only one may be`,
    ]);
  });

  it.each(SECRET_VARIABLES)('[T5] does not show %s when it is printed', (_name, variable) => {
    const config = loadConfig({ [variable]: 'canary', METRICS_TOKEN: 'canary-canary-canary' });
    expect(JSON.stringify(config) + inspect(config, { depth: 9 })).not.toContain('canary');
  });

  it.each(['DATABASE_URL', 'REDIS_URL', 'METRICS_TOKEN'])('reads %s_FILE in place of the variable', (name) => {
    const texts: Record<string, string> = {
      DATABASE_URL: 'postgres://db/x',
      REDIS_URL: 'redis://cache',
      METRICS_TOKEN: 'm'.repeat(20),
    };
    const text = texts[name] ?? '';
    expect(loadConfig({ [`${name}_FILE`]: '/file' }, () => text)).toEqual(loadConfig({ [name]: text }));
    expect(faultsOf({ [name]: text, [`${name}_FILE`]: '/file' }, () => text)).toHaveLength(1);
  });

  it('names the variable whose file cannot be read', () => {
    expect(faultsOf({ REDIS_URL_FILE: '/nowhere/redis-url' })).toEqual(['REDIS_URL_FILE: there is no such file']);
  });
});

describe('[T5] production', () => {
  it('starts with files and https', () => {
    expect(loadConfig({ ...PRODUCTION, KEK_FILE: '/run/secrets/kek' }).production).toBe(true);
  });

  it.each<[string, Environment]>([
    ...SECRET_VARIABLES.map(([, variable]): [string, Environment] => [`${variable} inline`, { [variable]: 'value' }]),
    ['METRICS_TOKEN inline', { METRICS_TOKEN: 'm'.repeat(20) }],
    ['a password in DATABASE_URL', { DATABASE_URL: 'postgres://u:p@db/x' }],
    ['a password in the query of DATABASE_URL', { DATABASE_URL: 'postgres://db/x?password=p' }],
    ['a password in REDIS_URL', { REDIS_URL: 'redis://:p@cache' }],
    ['EGRESS_ALLOW_LOOPBACK', { EGRESS_ALLOW_LOOPBACK: 'true' }],
    ['NODE_TLS_REJECT_UNAUTHORIZED=0', { NODE_TLS_REJECT_UNAUTHORIZED: '0' }],
    ['no PUBLIC_URL', { PUBLIC_URL: '' }],
    ['a plain PUBLIC_URL', { PUBLIC_URL: 'http://auth.example.com' }],
    ['a plain PUBLIC_URL that only begins like loopback', { PUBLIC_URL: 'http://localhost.example.com' }],
    ['a plain PUBLIC_URL behind no proxy', { PUBLIC_URL: 'http://auth.example.com', TRUST_PROXY: ' , ' }],
  ])('refuses %s', (_name, env) => {
    expect(faultsOf({ ...PRODUCTION, ...env })).toHaveLength(1);
  });

  it.each<[Environment]>([
    [{ PUBLIC_URL: 'http://auth.example.com', TRUST_PROXY: '10.0.0.0/8' }],
    [{ PUBLIC_URL: 'http://127.0.0.1:8080' }],
    [{ PUBLIC_URL: 'http://localhost:8080' }],
    [{ PUBLIC_URL: 'http://[::1]:8080' }],
    [{ EGRESS_ALLOW_LOOPBACK: 'false', NODE_TLS_REJECT_UNAUTHORIZED: '1', DATABASE_URL: 'postgres://u@db/x' }],
  ])('accepts %j', (env) => {
    expect(faultsOf({ ...PRODUCTION, ...env })).toEqual([]);
  });
});
