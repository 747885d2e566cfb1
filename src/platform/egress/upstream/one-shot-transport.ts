import { type ClientRequest, type IncomingMessage, request as httpRequest } from 'node:http';
import type { Socket } from 'node:net';
import {
  ExchangeController,
  type ExchangeHandler,
  peerOf,
  sendBody,
  type RawHeaders,
  type Transport,
  type TransportRequest,
} from './transport.js';

/** HTTP/1.1 exchanges with a connection each: for requests with trailers and for upgrades, which the pool's client does not do. */
export class OneShotTransport implements Transport {
  constructor(
    private readonly host: string,
    private readonly connect: () => Promise<Socket>,
  ) {}

  dispatch(request: TransportRequest, handler: ExchangeHandler): void {
    const controller = new ExchangeController();
    this.connect().then(
      (socket) => this.send(socket, request, { handler, controller }),
      (error: Error) => handler.onResponseError?.(controller, error),
    );
  }

  close(): void {
    // Nothing is kept.
  }

  private send(socket: Socket, request: TransportRequest, { handler, controller }: Exchange): void {
    handler.onConnection?.({ peer: peerOf(socket) });
    handler.onRequestStart?.(controller, null);
    if (controller.aborted) return void socket.destroy();
    const outgoing = httpRequest({
      createConnection: () => socket,
      method: request.method,
      path: request.target,
      headers: [...request.headers, 'host', this.host, ...framing(request)],
    });
    const fail = (error: Error): void => {
      outgoing.destroy();
      handler.onResponseError?.(controller, error);
    };
    controller.attach({ pause: () => undefined, resume: () => undefined, abort: () => outgoing.destroy() });
    outgoing.on('error', fail);
    listen(outgoing, { handler, controller });
    sendBody(request.body, outgoing, { ended: () => finish(outgoing, request.trailers?.() ?? []), failed: fail });
  }
}

interface Exchange {
  readonly handler: ExchangeHandler;
  readonly controller: ExchangeController;
}

function framing({ body, headers, upgrade }: TransportRequest): string[] {
  const stated = headers.some((name, at) => at % 2 === 0 && name.toLowerCase() === 'content-length');
  const chunked = body !== null && !stated ? ['transfer-encoding', 'chunked'] : [];
  return upgrade === true ? ['connection', 'Upgrade', 'upgrade', 'websocket'] : ['connection', 'close', ...chunked];
}

function finish(outgoing: ClientRequest, trailers: RawHeaders): void {
  const pairs: [string, string][] = [];
  for (let at = 0; at + 1 < trailers.length; at += 2) pairs.push([trailers[at] as string, trailers[at + 1] as string]);
  if (pairs.length > 0) outgoing.addTrailers(pairs);
  outgoing.end();
}

function listen(outgoing: ClientRequest, exchange: Exchange): void {
  const { handler, controller } = exchange;
  outgoing.on('information', ({ statusCode, statusMessage, rawHeaders }) => {
    controller.rawHeaders = rawHeaders;
    handler.onResponseStart?.(controller, statusCode, {}, statusMessage);
  });
  outgoing.on('upgrade', (response: IncomingMessage, socket: Socket, head: Buffer) => {
    controller.rawHeaders = response.rawHeaders;
    if (head.length > 0) socket.unshift(head);
    handler.onRequestUpgrade?.(controller, response.statusCode ?? 0, {}, socket);
  });
  outgoing.on('response', (response) => receive(response, exchange));
}

function receive(response: IncomingMessage, { handler, controller }: Exchange): void {
  controller.attach({
    pause: () => response.pause(),
    resume: () => response.resume(),
    abort: () => response.destroy(),
  });
  controller.rawHeaders = response.rawHeaders;
  handler.onResponseStart?.(controller, response.statusCode ?? 0, {}, response.statusMessage);
  response.on('data', (chunk: Buffer) => handler.onResponseData?.(controller, chunk));
  response.on('error', (error) => handler.onResponseError?.(controller, error));
  response.on('end', () => {
    controller.rawTrailers = response.rawTrailers;
    if (response.complete) handler.onResponseEnd?.(controller, {});
  });
  response.on('close', () => {
    if (!response.complete) handler.onResponseError?.(controller, new Error('the answer was cut off'));
  });
}
