import { createServer, type AddressInfo, type Server } from 'node:net';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { DatabaseClient } from './database-client.js';

/** A message of PostgreSQL's protocol: type, length, body. */
function message(type: string, body: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeInt32BE(body.length + 4);
  return Buffer.concat([Buffer.from(type), length, body]);
}

const FIELDS = ['SFATAL', 'VFATAL', 'C57P01', 'Mterminating connection due to unexpected postmaster exit'];
const LOGGED_IN = Buffer.concat([message('R', Buffer.alloc(4)), message('Z', Buffer.from('I'))]);
const GOING_DOWN = message('E', Buffer.from(`${FIELDS.join('\0')}\0\0`));

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
