import type { ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { withoutEchoes } from '../domain/echo-forms.js';
import { GatewayError } from '../domain/gateway-error.js';
import type { RawHeaders } from '../domain/upstream-request.js';
import { responseHeaders, withoutTrailerField } from '../domain/upstream-response.js';
import { acceptsHandshake } from '../domain/websocket/handshake.js';
import type { AnswerEvents, AnswerParts, AnswerStream } from '../http/answer-stream.js';
import type { Upgrade } from '../http/incoming.js';
import type { AnswerSink } from '../upstream/upstream-exchange.js';
import { WebSocketTunnel } from './websocket-tunnel.js';

export interface UpgradeAnswerParts extends AnswerParts {
  readonly response: ServerResponse;
  readonly upgrade: Upgrade;
  readonly idleTimeoutMs: number;
  readonly totalTimeoutMs: number | undefined;
  readonly done: AnswerEvents['done'];
}

/** The answer to a request for a WebSocket: an open tunnel, or whatever else the upstream says, as any answer. */
export class UpgradeAnswer implements AnswerSink {
  tunnel: WebSocketTunnel | undefined;

  constructor(
    private readonly plain: AnswerStream,
    private readonly parts: UpgradeAnswerParts,
  ) {}

  informational(status: number, headers: RawHeaders): void {
    this.plain.informational(status, headers);
  }

  head(status: number, statusText: string, headers: RawHeaders): void {
    this.plain.head(status, statusText, headers);
  }

  chunk(bytes: Buffer): boolean {
    return this.plain.chunk(bytes);
  }

  end(trailers: RawHeaders): void {
    this.plain.end(trailers);
  }

  fail(error: Error): void {
    this.plain.fail(error);
  }

  upgraded(headers: RawHeaders, upstream: Duplex): void {
    const { upgrade, response, rules, echo, ownHeaders, idleTimeoutMs, totalTimeoutMs, done } = this.parts;
    if (!acceptsHandshake(headers, upgrade.key)) {
      upstream.destroy();
      return this.fail(new GatewayError('upstream_unavailable', { detail: 'no WebSocket handshake' }));
    }
    const passed = withoutEchoes(withoutTrailerField(responseHeaders(headers, rules)), echo).headers;
    const { socket, head } = upgrade;
    response.sendDate = false;
    response.writeHead(101, [...passed, ...ownHeaders, 'Connection', 'Upgrade', 'Upgrade', 'websocket']);
    response.end();
    if (head.length > 0) socket.unshift(head);
    this.tunnel = new WebSocketTunnel({ client: socket, upstream, idleTimeoutMs, totalTimeoutMs, done });
  }
}
