import type { Socket } from 'node:net';
import type { Duplex, Readable } from 'node:stream';
import type { Dispatcher } from 'undici';

/** Names and values in turn, as they were received. */
export type RawHeaders = readonly string[];

/** One request as it goes over the wire; `Host` and framing are the transport's. */
export interface TransportRequest {
  readonly method: string;
  /** Origin-form, raw. */
  readonly target: string;
  readonly headers: RawHeaders;
  readonly body: Readable | Buffer | null;
  /** The fields after the body (RFC 9110 §6.5), asked for once it has ended. */
  readonly trailers?: (() => RawHeaders) | undefined;
  /** The connection is to become a WebSocket's (RFC 6455 §4.1). */
  readonly upgrade?: boolean | undefined;
}

/** What carries exchanges, one after the other or side by side. */
export interface Connection {
  /** `address:port` of the other end; undefined before there is one. */
  readonly peer: string | undefined;
}

export interface ExchangeHandler extends Dispatcher.DispatchHandler {
  /** What will carry the exchange; its peer holds for the exchange at the moment of `onRequestStart`. */
  onConnection?(connection: Connection): void;
}

/** The other end of a connected socket, an IPv6 address in brackets. */
export function peerOf({
  remoteAddress,
  remotePort,
}: Pick<Socket, 'remoteAddress' | 'remotePort'>): string | undefined {
  if (remoteAddress === undefined || remotePort === undefined) return undefined;
  return remoteAddress.includes(':') ? `[${remoteAddress}]:${remotePort}` : `${remoteAddress}:${remotePort}`;
}

/** A way to one upstream. The handler learns of everything, failures to connect included; nothing is thrown. */
export interface Transport {
  dispatch(request: TransportRequest, handler: ExchangeHandler): void;
  /** Lets what is under way finish. */
  close(): void;
}

/** What carries an exchange, as its controller needs it. */
export interface ExchangeSource {
  pause(): void;
  resume(): void;
  abort(error: Error): void;
}

/** The hold that a handler has on an exchange, for transports that are not undici's. */
export class ExchangeController implements Dispatcher.DispatchController {
  rawHeaders: string[] | null = null;
  rawTrailers: string[] | null = null;
  reason: Error | null = null;
  paused = false;
  private source: ExchangeSource | undefined;

  get aborted(): boolean {
    return this.reason !== null;
  }

  attach(source: ExchangeSource): void {
    this.source = source;
  }

  pause(): void {
    this.paused = true;
    this.source?.pause();
  }

  resume(): void {
    this.paused = false;
    this.source?.resume();
  }

  abort(reason: Error): void {
    this.reason ??= reason;
    this.source?.abort(reason);
  }
}

/** Carries a body to a writable, with back-pressure; `ended` is called when all of it was handed over, `failed` when it broke. */
export function sendBody(
  body: Readable | Buffer | null,
  to: Duplex | (NodeJS.WritableStream & { end(chunk?: Buffer): unknown }),
  events: { readonly ended: () => void; readonly failed: (error: Error) => void },
): void {
  if (body === null || Buffer.isBuffer(body)) {
    if (body !== null && body.length > 0) to.write(body);
    events.ended();
    return;
  }
  if (body.errored) return events.failed(body.errored);
  body.once('end', events.ended);
  body.once('error', events.failed);
  body.pipe(to, { end: false });
}
