import { createServer, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { answerBrokenRequest } from './broken-request.js';
import { SOCKET_LIMITS } from './server-options.js';
import { markAdminListener } from './surfaces.js';

/** How long before their connections are cut requests are ended that know how. */
const LAST_WORDS_MS = 500;

export interface ListenSettings {
  readonly host: string;
  /** 0 asks the system for a free port. */
  readonly port: number;
  readonly adminPort?: number;
}

export interface ListenerUrls {
  readonly url: string;
  readonly adminUrl?: string;
}

/** The sockets in front of one application. */
export class HttpListeners {
  private admin: Server | undefined;
  /** Every connection, those that are no longer HTTP included: the servers forget them when they are upgraded, and wait for them all the same. */
  private readonly sockets = new Set<Socket>();

  constructor(
    private readonly app: NestFastifyApplication,
    private readonly base: () => string,
  ) {}

  /** Binds the main listener, tells `bound` its URL before a request can be answered, then binds the administration's. */
  async listen(settings: ListenSettings, bound: (url: string) => void): Promise<ListenerUrls> {
    const main = this.app.getHttpServer();
    this.watch(main);
    main.once('listening', () => bound(urlOf(main, settings.host)));
    await this.app.listen({ host: settings.host, port: settings.port });
    const url = urlOf(main, settings.host);
    if (settings.adminPort === undefined) return { url };
    this.admin = this.watch(this.adminServer());
    await bind(this.admin, settings.adminPort, settings.host);
    return { url, adminUrl: urlOf(this.admin, settings.host) };
  }

  /** Takes no new connections, waits for the requests that run, and cuts those that still run after `graceMs`; `last` is called while they can still be told. */
  async drain(graceMs: number, last: () => void = () => undefined): Promise<void> {
    const servers = [this.app.getHttpServer(), this.admin].filter((server) => server?.listening === true) as Server[];
    const telling = setTimeout(last, Math.max(0, graceMs - LAST_WORDS_MS));
    const cut = setTimeout(() => this.sockets.forEach((socket) => socket.destroy()), graceMs);
    await Promise.all(servers.map(stop));
    clearTimeout(telling);
    clearTimeout(cut);
  }

  private watch(server: Server): Server {
    return server.on('connection', (socket: Socket) => {
      if (this.sockets.has(socket)) return;
      this.sockets.add(socket);
      socket.once('close', () => this.sockets.delete(socket));
    });
  }

  private adminServer(): Server {
    const fastify = this.app.getHttpAdapter().getInstance();
    const server = createServer({ ...SOCKET_LIMITS }, (request, response) => {
      markAdminListener(request);
      fastify.routing(request, response);
    });
    return server.on('clientError', (error, socket) => answerBrokenRequest(error, socket as Socket, this.base()));
  }
}

function bind(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port, host }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function stop(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeIdleConnections();
  });
}

function urlOf(server: Server, host: string): string {
  const { port } = server.address() as AddressInfo;
  const name = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
  return `http://${name.includes(':') ? `[${name}]` : name}:${port}`;
}
