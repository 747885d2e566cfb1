import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

/** A TCP path to a server that can be cut and mended, as a network is. */
export interface Wire {
  readonly port: number;
  /** Resets every connection and refuses new ones. */
  cut(): void;
  mend(): void;
  close(): Promise<void>;
}

/** Opens a path to `127.0.0.1:<targetPort>`. */
export async function openWire(targetPort: number): Promise<Wire> {
  const sockets = new Set<Socket>();
  let whole = true;
  const server = createServer((near) => {
    if (!whole) return near.resetAndDestroy();
    const far = connect(targetPort, '127.0.0.1');
    for (const [one, other] of [[near, far] as const, [far, near] as const]) {
      sockets.add(one);
      one.pipe(other);
      one.on('error', () => other.destroy());
      one.on('close', () => {
        sockets.delete(one);
        other.destroy();
      });
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const drop = () => sockets.forEach((socket) => socket.resetAndDestroy());
  return {
    port: typeof address === 'object' && address ? address.port : 0,
    cut: () => {
      whole = false;
      drop();
    },
    mend: () => {
      whole = true;
    },
    close: async () => {
      server.close();
      drop();
      await once(server, 'close');
    },
  };
}
