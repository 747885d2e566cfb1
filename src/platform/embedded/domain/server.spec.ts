import { describe, it, expect } from '@jest/globals';
import pg from 'pg';
import { findAccount, permits, READ, SEARCH } from './permissions.js';
import { isSerious, parseServerLine, splitLines } from './server-log.js';
import { databaseUrl, fitsSocket, initArguments, serverArguments, type Listening } from './server-settings.js';

const SOCKET: Listening = { kind: 'socket', directory: '/data dir/ü/postgres' };
const LOOPBACK: Listening = { kind: 'loopback', port: 6543 };

describe("the server's arguments", () => {
  it.each([SOCKET, LOOPBACK])('never trade durability, and let no other machine in: %j', (listening) => {
    const args = serverArguments('/data', listening);
    for (const setting of [
      'fsync=on',
      'full_page_writes=on',
      'synchronous_commit=on',
      'max_connections=200',
      'unix_socket_permissions=0700',
    ]) {
      expect(args).toContain(setting);
    }
    expect(args.filter((arg) => arg.startsWith('listen_addresses='))).toEqual([
      `listen_addresses=${listening.kind === 'socket' ? '' : '127.0.0.1'}`,
    ]);
  });

  it('make every login one by password', () => {
    expect(initArguments('/data', '/pw').join(' ')).toContain('--auth scram-sha-256');
  });
});

describe('the URL of the database', () => {
  it.each([
    [SOCKET, { host: '/data dir/ü/postgres', port: 5432 }],
    [LOOPBACK, { host: '127.0.0.1', port: 6543 }],
  ])('is read by node-postgres as it was meant: %j', (listening, expected) => {
    const client = new pg.Client({ connectionString: databaseUrl(listening, { user: 'u', password: 'p/@:?#' }) });
    expect({
      host: client.host,
      port: client.port,
      user: client.user,
      password: client.password,
      database: client.database,
    }).toEqual({
      ...expected,
      user: 'u',
      password: 'p/@:?#',
      database: 'caracal',
    });
  });

  it('takes another login afterwards', () => {
    const url = new URL(databaseUrl(SOCKET));
    url.username = 'caracal_app';
    expect(new pg.Client({ connectionString: url.href })).toMatchObject({
      user: 'caracal_app',
      host: '/data dir/ü/postgres',
    });
  });

  it('knows which paths a socket cannot have', () => {
    const room = 107 - '/.s.PGSQL.5432'.length;
    expect(fitsSocket('/'.padEnd(room, 'x'))).toBe(true);
    expect(fitsSocket('/'.padEnd(room + 1, 'x'))).toBe(false);
    expect(fitsSocket('/'.padEnd(room, 'ü'))).toBe(false);
  });
});

describe("the server's log", () => {
  it.each([
    ['LOG:  database system is ready', 'LOG', 'database system is ready', false],
    ['FATAL:  password authentication failed', 'FATAL', 'password authentication failed', true],
    ['PANIC:  could not write', 'PANIC', 'could not write', true],
    ['ERROR:  division by zero', 'ERROR', 'division by zero', false],
    ['\tcontinued', 'LOG', 'continued', false],
    ['postgres: symbol lookup error', 'LOG', 'postgres: symbol lookup error', false],
  ])('%j', (line, severity, text, serious) => {
    expect(parseServerLine(line)).toEqual({ severity, text });
    expect(isSerious(parseServerLine(line))).toBe(serious);
  });

  it('is read by whole lines', () => {
    expect(splitLines('one\n\ntwo\nthr')).toEqual({ lines: ['one', 'two'], rest: 'thr' });
    expect(splitLines('')).toEqual({ lines: [], rest: '' });
  });
});

describe('permissions', () => {
  const account = { uid: 101, gid: 104 };

  it.each([
    ['its own', { uid: 101, gid: 0, mode: 0o40700 }, true],
    ['its own but closed', { uid: 101, gid: 104, mode: 0o40077 }, false],
    ["its group's", { uid: 0, gid: 104, mode: 0o40750 }, true],
    ["its group's but closed", { uid: 0, gid: 104, mode: 0o40707 }, false],
    ["everybody's", { uid: 0, gid: 0, mode: 0o40755 }, true],
    ['only for passing', { uid: 0, gid: 0, mode: 0o40711 }, false],
    ["somebody's", { uid: 0, gid: 0, mode: 0o40750 }, false],
  ])('to read and enter a directory: %s', (_name, file, expected) => {
    expect(permits(file, account, READ | SEARCH)).toBe(expected);
  });

  it('do not bind root', () => {
    expect(permits({ uid: 5, gid: 5, mode: 0 }, { uid: 0, gid: 0 }, READ | SEARCH)).toBe(true);
  });

  it('find an account by its whole name', () => {
    const passwd =
      'root:x:0:0:root:/root:/bin/sh\npostgres2:x:7:7::/:\npostgres:x:101:104:a,b:/var/lib:/bin/sh\nbroken:x:a:b\n';
    expect(findAccount(passwd, 'postgres')).toEqual({ uid: 101, gid: 104 });
    expect(findAccount(passwd, 'post')).toBeUndefined();
    expect(findAccount(passwd, 'broken')).toBeUndefined();
  });
});
