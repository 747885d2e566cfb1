import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type DialError, dialVetted } from './vetted-dial.js';

let server: Server;
let sockets: Socket[];
let heard: string;
let port: number;

beforeEach(async () => {
  sockets = [];
  heard = '';
  server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined);
    socket.on('data', (data) => (heard += data.toString('latin1')));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  ({ port } = server.address() as AddressInfo);
});

afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  server.close();
  await once(server, 'close');
});

const target = (scheme: 'http' | 'https') => ({ scheme, host: 'upstream.test', port, isLiteral: false });

describe('[T3] dialVetted', () => {
  // Linux takes 0.0.0.0 for this host, so the peer is another address than the one that was dialled.
  it.each(['http', 'https'] as const)(
    'over %s says nothing to a peer that is not the vetted address',
    async (scheme) => {
      const dialled = dialVetted(target(scheme), ['0.0.0.0'], { timeoutMs: 2_000 });
      await expect(dialled).rejects.toMatchObject({
        code: 'egress_denied',
        detail: expect.stringMatching(/reached 127/),
      });
      expect(heard).toBe('');
    },
  );

  it('connects to the vetted address when it is there', async () => {
    const socket = await dialVetted(target('http'), ['127.0.0.1'], { timeoutMs: 2_000 });
    expect(socket.remoteAddress).toBe('127.0.0.1');
    socket.destroy();
  });

  it('[T8] a connection that breaks before anybody took it is no error of the process', async () => {
    const socket = await dialVetted(target('http'), ['127.0.0.1'], { timeoutMs: 2_000 });
    const closed = new Promise((resolve) => socket.once('close', resolve));
    sockets.forEach((accepted) => accepted.resetAndDestroy());
    expect(await closed).toBe(true);
  });

  it('gives up in time on a server that says nothing to a TLS handshake', async () => {
    await expect(dialVetted(target('https'), ['127.0.0.1'], { timeoutMs: 50 })).rejects.toMatchObject({
      code: 'connect_timeout',
    } satisfies Partial<DialError>);
  });
});
