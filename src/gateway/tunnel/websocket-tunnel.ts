import type { Duplex } from 'node:stream';
import { GatewayError, STOPPING } from '../domain/gateway-error.js';
import { closeFrame, FrameGate } from '../domain/websocket/frame-gate.js';
import { ClientGoneError } from '../upstream/request-body.js';

export interface TunnelParts {
  readonly client: Duplex;
  readonly upstream: Duplex;
  /** Between two moments at which either side says something. */
  readonly idleTimeoutMs: number;
  readonly totalTimeoutMs: number | undefined;
  /** Called once. Without an error the two sides closed as they should. */
  readonly done: (error?: Error) => void;
}

/** How long a last frame may take to leave. */
const FAREWELL_MS = 250;
/** How long one side may stay open by itself when the other has ended: a WebSocket has nothing to say any more then (RFC 6455 §7.1.4). */
const HALF_OPEN_MS = 5_000;
/** RFC 6455 §7.4.1 and the registry it made. */
const CLOSE_STATUS = { going_away: 1001, policy_violation: 1008, try_again_later: 1013 } as const;

/** Carries an open WebSocket both ways, as fast as the slower side takes it, until one side ends or the authority behind it does. */
export class WebSocketTunnel {
  bytesIn = 0;
  bytesOut = 0;
  private readonly gate = new FrameGate();
  private readonly idle: NodeJS.Timeout;
  private readonly total: NodeJS.Timeout | undefined;
  private halfOpen: NodeJS.Timeout | undefined;
  private settled = false;

  constructor(private readonly parts: TunnelParts) {
    const expire = (detail: string) => () => this.abort(new GatewayError('upstream_timeout', { detail }));
    this.idle = setTimeout(expire('the WebSocket was idle'), parts.idleTimeoutMs);
    if (parts.totalTimeoutMs !== undefined)
      this.total = setTimeout(expire('the WebSocket was open too long'), parts.totalTimeoutMs);
    const { client, upstream } = parts;
    flow(client, upstream, (chunk) => this.fromClient(chunk));
    flow(upstream, client, (chunk) => this.fromUpstream(chunk));
    client.on('error', () => undefined).on('close', () => this.clientGone());
    upstream.on('error', () => undefined).on('close', () => this.upstreamGone());
    client.once('end', () => this.endSoon(() => new ClientGoneError()));
    upstream.once('end', () => this.endSoon(brokenOff));
  }

  /** Ends it now: the caller gets a Close frame that says why where one may stand, and nothing more of the upstream in any case. */
  abort(error: Error): void {
    if (this.settled) return;
    const { client, upstream } = this.parts;
    this.settle(error);
    upstream.destroy();
    if (!this.gate.atBoundary || client.writableNeedDrain) return void client.destroy();
    const late = setTimeout(() => client.destroy(), FAREWELL_MS);
    client.once('close', () => clearTimeout(late));
    client.removeAllListeners('data').resume();
    client.end(closeFrame(statusOf(error), error instanceof GatewayError ? error.code : 'failed'));
  }

  private fromClient(chunk: Buffer): Buffer {
    this.bytesIn += chunk.length;
    this.idle.refresh();
    return chunk;
  }

  private fromUpstream(chunk: Buffer): Buffer {
    const passed = this.gate.push(chunk);
    this.bytesOut += passed.length;
    this.idle.refresh();
    return passed;
  }

  /** Neither side may keep the other's connection open by never ending its own: idle times do not count once this is settled. */
  private endSoon(why: () => Error): void {
    if (this.parts.client.destroyed) return;
    this.halfOpen ??= setTimeout(() => {
      this.settle(this.gate.closeSeen ? undefined : why());
      this.parts.client.destroy();
      this.parts.upstream.destroy();
    }, HALF_OPEN_MS);
  }

  private clientGone(): void {
    clearTimeout(this.halfOpen);
    this.settle(this.gate.closeSeen ? undefined : new ClientGoneError());
    this.parts.upstream.destroy();
  }

  /** An upstream that is gone without a Close frame must not look as if it had said goodbye. */
  private upstreamGone(): void {
    const { client } = this.parts;
    if (this.settled) return;
    if (this.gate.closeSeen) client.end();
    else client.destroy();
    this.endSoon(brokenOff);
    this.settle(this.gate.closeSeen ? undefined : brokenOff());
  }

  private settle(error: Error | undefined): void {
    if (this.settled) return;
    this.settled = true;
    clearTimeout(this.idle);
    clearTimeout(this.total);
    this.parts.done(error);
  }
}

function brokenOff(): GatewayError {
  return new GatewayError('upstream_unavailable', { detail: 'the WebSocket broke off' });
}

/** One direction: what `pass` lets through, read only while the other side takes it. */
function flow(from: Duplex, to: Duplex, pass: (chunk: Buffer) => Buffer): void {
  from.on('data', (chunk: Buffer) => {
    const passed = pass(chunk);
    if (passed.length > 0 && !to.destroyed && !to.write(passed)) from.pause();
  });
  to.on('drain', () => from.resume());
  from.on('end', () => to.end());
}

function statusOf(error: Error): number {
  if (!(error instanceof GatewayError)) return CLOSE_STATUS.going_away;
  if (error.code === 'upstream_timeout' || error.detail === STOPPING) return CLOSE_STATUS.going_away;
  return error.status === 503 ? CLOSE_STATUS.try_again_later : CLOSE_STATUS.policy_violation;
}
