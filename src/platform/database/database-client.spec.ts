import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { DatabaseClient, type DatabaseClientConfig } from './database-client.js';

/** A message of PostgreSQL's protocol: type, length, body. */
function message(type: string, body: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeInt32BE(body.length + 4);
  return Buffer.concat([Buffer.from(type), length, body]);
}

const FIELDS = ['SFATAL', 'VFATAL', 'C57P01', 'Mterminating connection due to unexpected postmaster exit'];
const LOGGED_IN = Buffer.concat([message('R', Buffer.alloc(4)), message('Z', Buffer.from('I'))]);
/** EmptyQueryResponse, ReadyForQuery. */
const EMPTY = Buffer.concat([message('I', Buffer.alloc(0)), message('Z', Buffer.from('I'))]);
const GOING_DOWN = message('E', Buffer.from(`${FIELDS.join('\0')}\0\0`));

function pooled(options: pg.PoolConfig & DatabaseClientConfig): pg.Pool {
  const pool = new pg.Pool({ ...options, Client: DatabaseClient, max: 1 });
  return pool.on('error', () => undefined);
}

describe('[T8] a connection whose server says nothing any more', () => {
  /** Answers questions with an empty result while it speaks; it never ends a connection by itself. */
  let speaks: boolean;
  let server: Server;
  let options: pg.ClientConfig;
  const left: Socket[] = [];
  beforeAll(async () => {
    server = createServer({ allowHalfOpen: true }, (socket) => {
      socket.on('error', () => undefined).once('end', () => left.push(socket));
      socket.once('data', () => {
        socket.write(LOGGED_IN);
        socket.on('data', () => speaks && socket.write(EMPTY));
      });
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    options = { host: '127.0.0.1', port: (server.address() as AddressInfo).port, user: 'u', database: 'd', ssl: false };
  });
  beforeEach(() => {
    speaks = true;
    left.splice(0).forEach((socket) => socket.destroy());
  });
  afterAll(() => {
    left.forEach((socket) => socket.destroy());
    server.close();
  });

  it('is given up, told as an answer that did not come in time, and not used again', async () => {
    const pool = pooled({ ...options, patienceMs: 100 });
    const client = await pool.connect();
    await client.query('');
    speaks = false;
    await expect(client.query('')).rejects.toMatchObject({ code: 'ETIMEDOUT' });
    client.release();
    expect(pool.totalCount).toBe(0);
    speaks = true;
    await pool.query('');
    await pool.end();
    while (left.length < 2) await delay(5);
  });

  it('is not given up while it answers, nor while nobody asks anything', async () => {
    const pool = pooled({ ...options, patienceMs: 300 });
    const client = await pool.connect();
    for (let asked = 0; asked < 5; asked += 1) {
      await client.query('');
      await delay(100);
    }
    await delay(400);
    await client.query('');
    client.release();
    await pool.end();
  });

  it('is noticed where it only listens', async () => {
    const client = new DatabaseClient({ ...options, patienceMs: 50, probeMs: 20 });
    await client.connect();
    speaks = false;
    await new Promise((resolve) => client.once('end', () => resolve(undefined)));
  });

  it('can be left: its end is not waited for', async () => {
    const client = new DatabaseClient(options);
    await client.connect();
    speaks = false;
    await client.end();
    while (left.length === 0) await delay(5);
  });
});

describe('a connection to the database', () => {
  let server: Server;
  let options: pg.ClientConfig;
  beforeAll(async () => {
    // Login and end in one packet, as a server that is killed during a login sends them.
    server = createServer((socket) => {
      socket.on('error', () => undefined).once('data', () => socket.end(Buffer.concat([LOGGED_IN, GOING_DOWN])));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    options = { host: '127.0.0.1', port: (server.address() as AddressInfo).port, user: 'u', database: 'd', ssl: false };
  });
  afterAll(() => {
    server.close();
  });

  /** How often a client told its end when nobody listened: for a plain one that ends the process. */
  async function unheard(Client: typeof pg.Client): Promise<{ unheard: number; query: string | undefined }> {
    let count = 0;
    const Counting = class extends Client {
      override emit(name: string, ...args: never[]): boolean {
        const nobody = name === 'error' && this.listenerCount('error') === 0;
        if (nobody) count += 1;
        return nobody || super.emit(name, ...args);
      }
    };
    const pool = new pg.Pool({ ...options, Client: Counting, max: 1 });
    const client = await pool.connect();
    const query = await client.query('SELECT 1').then(
      () => undefined,
      (error: Error) => error.message,
    );
    client.release();
    await pool.end();
    return { unheard: count, query };
  }

  it('[T8] that ends in the moment of its login fails its query, and not the process', async () => {
    const plain = await unheard(pg.Client);
    expect(plain.unheard).toBeGreaterThan(0);
    const ours = await unheard(DatabaseClient);
    expect(ours.unheard).toBe(0);
    expect(ours.query).toMatch(/terminat|not queryable/);
  });
});
