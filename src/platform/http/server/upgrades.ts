import { type IncomingMessage, type Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';

/** The connection of a request that asks to become something else, and what came behind the request. */
export interface UpgradedConnection {
  readonly socket: Socket;
  readonly head: Buffer;
}

/** The connection of a request that was let through; undefined for ordinary requests. */
export type UpgradeOf = (request: IncomingMessage) => UpgradedConnection | undefined;

type WithMessage = Socket & { readonly _httpMessage?: unknown };

/**
 * Routes requests for an upgrade that are wanted like any other, so that they meet the same hooks and checks and may be refused in the same words.
 * Every other upgrade is ignored (RFC 9110 §7.8), as it is where nobody listens for upgrades.
 */
export function routeUpgrades(fastify: FastifyInstance, isWanted: (request: IncomingMessage) => boolean): UpgradeOf {
  const upgrades = new WeakMap<IncomingMessage, UpgradedConnection>();
  fastify.server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
    socket.on('error', () => socket.destroy());
    // An earlier request on the connection still waits for its answer: the two would mix.
    if ((socket as WithMessage)._httpMessage) return void socket.destroy();
    if (!isWanted(request)) return putBack(fastify.server, request, { socket, head });
    upgrades.set(request, { socket, head });
    fastify.routing(request, answerOver(request, socket));
  });
  return (request) => upgrades.get(request);
}

/** An answer on a connection that its server has let go of. Unless it is a 101, it is the connection's last. */
function answerOver(request: IncomingMessage, socket: Socket): ServerResponse {
  const response = new ServerResponse(request);
  socket.setTimeout(0);
  response.shouldKeepAlive = false;
  response.assignSocket(socket);
  response.once('finish', () => {
    response.detachSocket(socket);
    response.emit('close');
    if (response.statusCode !== 101) socket.end();
  });
  return response;
}

/** Has the request read again as if it asked for nothing special: Node reads neither its body nor its successors (RFC 9112 §9.3). */
function putBack(server: Server, request: IncomingMessage, { socket, head }: UpgradedConnection): void {
  const lines = [`${request.method} ${request.url} HTTP/${request.httpVersion}`];
  const headers = withoutUpgrade(request.rawHeaders);
  for (let at = 0; at + 1 < headers.length; at += 2) lines.push(`${headers[at]}: ${headers[at + 1]}`);
  socket.removeAllListeners('timeout');
  socket.unshift(Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), head]));
  server.emit('connection', socket);
}

/** The header fields of a request, names and values in turn, as if it had asked for no upgrade. */
export function withoutUpgrade(headers: readonly string[]): string[] {
  const kept: string[] = [];
  for (let at = 0; at + 1 < headers.length; at += 2) {
    const [name = '', value = ''] = headers.slice(at, at + 2);
    if (name.toLowerCase() === 'upgrade') continue;
    const tokens = value.split(',').map((token) => token.trim());
    const isConnection = name.toLowerCase() === 'connection';
    kept.push(
      name,
      isConnection ? tokens.filter((token) => token !== '' && token.toLowerCase() !== 'upgrade').join(', ') : value,
    );
  }
  return kept;
}
