import { once } from 'node:events';
import { createServer, connect, type AddressInfo, type Server, type Socket } from 'node:net';
import { parseEndpoint } from '../../src/platform/database/index.js';

/** What goes over the link: everything, questions only (the answers are lost), or nothing. A connection that lost something stays mute for ever. */
export type Carries = 'all' | 'questions' | 'nothing';

/** A way to a database that loses what it should carry without closing anything, as a host or a network that vanishes does. */
export class SilentLink {
  private carries: Carries = 'all';
  private readonly mute = new Set<Socket>();
  private readonly names = new Map<Socket, string>();
  private readonly open = new Set<Socket>();

  private constructor(
    private readonly server: Server,
    private readonly target: { readonly host: string; readonly port: number },
  ) {
    server.on('connection', (near) => this.join(near));
  }

  static async to(dsn: string): Promise<{ readonly link: SilentLink; readonly dsn: string }> {
    const server = createServer({ allowHalfOpen: false }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = new URL(dsn);
    url.searchParams.delete('host');
    url.hostname = '127.0.0.1';
    url.port = String((server.address() as AddressInfo).port);
    return { link: new SilentLink(server, parseEndpoint(dsn)), dsn: url.toString() };
  }

  carry(what: Carries): void {
    this.carries = what;
  }

  /** What connections are called that lost something and that the client has not closed. */
  get muteConnections(): string[] {
    return [...this.mute].filter((socket) => !socket.destroyed).map((socket) => this.names.get(socket) ?? '');
  }

  close(): void {
    this.server.close();
    for (const socket of this.open) socket.destroy();
  }

  private join(near: Socket): void {
    const { host, port } = this.target;
    const far = host.startsWith('/') ? connect(`${host}/.s.PGSQL.${port}`) : connect(port, host);
    for (const socket of [near, far]) {
      this.open.add(socket);
      socket.on('error', () => socket.destroy()).on('close', () => this.open.delete(socket));
    }
    near.once('data', (login: Buffer) => {
      this.names.set(near, /application_name\0([^\0]*)/.exec(login.toString('latin1'))?.[1] ?? '');
    });
    near.on('close', () => far.destroy());
    far.on('close', () => this.mute.has(near) || near.destroy());
    near.on('data', (chunk) => this.pass(near, this.carries !== 'nothing', () => far.write(chunk)));
    far.on('data', (chunk) => this.pass(near, this.carries === 'all', () => near.write(chunk)));
  }

  private pass(near: Socket, carried: boolean, on: () => void): void {
    if (carried && !this.mute.has(near)) return on();
    // While questions go through, more of them may: only what was lost cannot come any more.
    if (this.carries === 'questions' && carried) return on();
    this.mute.add(near);
  }
}
