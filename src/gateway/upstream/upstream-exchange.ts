import type { Duplex } from 'node:stream';
import type { Dispatcher } from 'undici';
import type { Connection, Transport } from '../../platform/egress/index.js';
import { GatewayError } from '../domain/gateway-error.js';
import type { RawHeaders } from '../domain/upstream-request.js';
import { RequestBody } from './request-body.js';
import { isLostConnection, toGatewayError } from './upstream-failure.js';

export interface UpstreamCall {
  readonly method: string;
  /** Origin-form, raw. */
  readonly target: string;
  readonly headers: RawHeaders;
  readonly body: RequestBody | Buffer | undefined;
  /** The fields after the body, when the caller announced some. */
  readonly trailers?: (() => RawHeaders) | undefined;
  /** The caller asked for a WebSocket. */
  readonly upgrade?: boolean | undefined;
  /** From the last byte sent to the final header block. */
  readonly headersTimeoutMs: number;
  /** Between two moments of progress of the answer. */
  readonly idleTimeoutMs: number;
  readonly totalTimeoutMs: number | undefined;
}

/** Where an upstream's answer goes. Exactly one of `end`, `fail` and `upgraded` is called, last. */
export interface AnswerSink {
  informational(status: number, headers: RawHeaders): void;
  head(status: number, statusText: string, headers: RawHeaders): void;
  /** False asks for no more until {@link UpstreamExchange.resume}. */
  chunk(bytes: Buffer): boolean;
  end(trailers: RawHeaders): void;
  fail(error: Error): void;
  /** The upstream switched protocols; the connection is the sink's from now on. */
  upgraded?(headers: RawHeaders, connection: Duplex): void;
}

/** RFC 9110 §9.2.1. */
const SAFE_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

/** One request to an upstream and its answer, streamed both ways. */
export class UpstreamExchange implements Dispatcher.DispatchHandler {
  /** Where the request went, once it did: `address:port`. */
  peer: string | undefined;
  private connection: Connection | undefined;
  private controller: Dispatcher.DispatchController | undefined;
  private settled = false;
  private transport: Transport | undefined;
  private repeated = false;
  private headSeen = false;
  private abortedWith: Error | undefined;
  private progress: NodeJS.Timeout;
  private readonly total: NodeJS.Timeout | undefined;

  constructor(
    private readonly call: UpstreamCall,
    private readonly sink: AnswerSink,
  ) {
    this.progress = setTimeout(this.expire, call.headersTimeoutMs);
    if (call.totalTimeoutMs !== undefined) this.total = setTimeout(this.expire, call.totalTimeoutMs);
    if (call.body instanceof RequestBody) {
      call.body.onProgress = this.refresh;
      call.body.once('error', this.loseBody);
    }
  }

  /** True from the moment the first byte of the request may have left. */
  get started(): boolean {
    return this.controller !== undefined || this.repeated;
  }

  /** Sends the call; the sink is called from then on. */
  dispatch(transport: Transport): void {
    this.transport = transport;
    const { method, target, headers, body = null, trailers, upgrade } = this.call;
    transport.dispatch({ method, target, headers, body, trailers, upgrade }, this);
  }

  /** Ends the exchange now: nothing more is read from the upstream, and its connection is closed. */
  abort(error: Error): void {
    if (this.settled || this.abortedWith) return;
    this.abortedWith = error;
    this.controller?.abort(error);
    this.settle(() => this.sink.fail(error));
  }

  resume(): void {
    if (!this.settled) this.progress.refresh();
    this.controller?.resume();
  }

  onConnection(connection: Connection): void {
    this.connection = connection;
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.controller = controller;
    this.peer = this.connection?.peer;
    if (this.abortedWith) controller.abort(this.abortedWith);
  }

  onResponseStart(controller: Dispatcher.DispatchController, status: number, _headers: unknown, statusText = ''): void {
    if (this.settled) return;
    const headers = rawText(controller.rawHeaders);
    if (status < 200) return this.attempt(() => this.sink.informational(status, headers));
    this.headSeen = true;
    clearTimeout(this.progress);
    this.progress = setTimeout(this.expire, this.call.idleTimeoutMs);
    this.attempt(() => this.sink.head(status, statusText, headers));
    // Such answers have no body whatever length they state (RFC 9110 §8.6); the client takes a stated length for a promise and fails.
    if (status === 304 || status === 204) this.settle(() => this.sink.end([]));
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.settled) return;
    this.progress.refresh();
    this.attempt(() => {
      if (!this.sink.chunk(chunk)) controller.pause();
    });
  }

  onResponseEnd(controller: Dispatcher.DispatchController): void {
    this.settle(() => this.sink.end(rawText(controller.rawTrailers)));
  }

  onRequestUpgrade(
    controller: Dispatcher.DispatchController,
    _status: number,
    _headers: unknown,
    socket: Duplex,
  ): void {
    const { sink } = this;
    if (this.settled || !sink.upgraded) socket.destroy();
    this.settle(() => {
      if (!sink.upgraded) return sink.fail(unusable('an upgrade that nobody asked for'));
      try {
        sink.upgraded(rawText(controller.rawHeaders), socket);
      } catch (error) {
        socket.destroy();
        throw error;
      }
    });
  }

  onResponseError(_controller: unknown, error: Error): void {
    if (this.settled) return;
    if (this.isRepeatable(error)) this.repeat();
    else this.settle(() => this.sink.fail(toGatewayError(error)));
  }

  /** A kept connection may have been closed by the upstream at the very moment that it was used (RFC 9112 §9.3.1): only safe methods are sent again. */
  private isRepeatable(error: Error): boolean {
    const { method, body, upgrade } = this.call;
    const isSafe = SAFE_METHODS.has(method) && body === undefined && upgrade !== true;
    return isSafe && this.controller !== undefined && !this.repeated && !this.headSeen && isLostConnection(error);
  }

  private repeat(): void {
    this.repeated = true;
    this.controller = undefined;
    this.progress.refresh();
    if (this.transport) this.dispatch(this.transport);
  }

  private readonly refresh = (): void => {
    if (!this.headSeen) this.progress.refresh();
  };

  /** While the upstream is being dialled nobody else listens to the body. */
  private readonly loseBody = (error: Error): void => {
    if (!this.started) this.abort(error);
  };

  private readonly expire = (): void => {
    this.abort(
      new GatewayError('upstream_timeout', { detail: this.headSeen ? 'the answer stalled' : 'no answer in time' }),
    );
  };

  /** What cannot be passed on ends the exchange, and not the process: transports call from the depths of sockets. */
  private attempt(step: () => void): void {
    try {
      step();
    } catch (cause) {
      this.abort(unusable('an answer that cannot be passed on', cause));
    }
  }

  private settle(last: () => void): void {
    if (this.settled) return;
    this.settled = true;
    clearTimeout(this.progress);
    clearTimeout(this.total);
    try {
      last();
    } catch (cause) {
      this.sink.fail(unusable('an answer that cannot be passed on', cause));
    }
  }
}

function unusable(detail: string, cause?: unknown): GatewayError {
  return new GatewayError('upstream_unavailable', { detail, cause });
}

/** Header bytes as characters of the same number, names and values in turn. */
function rawText(raw: Dispatcher.DispatchController['rawHeaders']): string[] {
  if (!Array.isArray(raw)) return [];
  return raw.map((part) => (typeof part === 'string' ? part : part.toString('latin1')));
}
