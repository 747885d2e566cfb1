import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { ClientHttp2Session } from 'node:http2';
import type { Dialer, EgressGuard, PoolTerms } from '../egress-guard.js';
import { Http2Sessions } from './http2-sessions.js';
import { OneShotTransport } from './one-shot-transport.js';
import { PooledTransport } from './pooled-transport.js';
import { ExchangeController, type ExchangeHandler, type Transport, type TransportRequest } from './transport.js';

const H1 = 'http/1.1';

/**
 * The connections to one upstream, all of them dialled by the egress guard. Over TLS the first one asks which protocol the upstream prefers
 * (RFC 7301): `h2` exchanges share connections, HTTP/1.1 ones are pooled.
 */
export class UpstreamTransport implements Transport {
  private readonly dial: Dialer;
  private readonly pool: PooledTransport;
  private readonly single: OneShotTransport;
  private readonly sessions: Http2Sessions;
  private readonly spares: Socket[] = [];
  private protocol: typeof H1 | undefined;
  private negotiation: Promise<ClientHttp2Session | undefined> | undefined;

  constructor(guard: EgressGuard, origin: string, terms: PoolTerms) {
    this.pool = new PooledTransport(guard.poolFor(origin, { ...terms, spare: () => this.spares.pop() }));
    this.dial = guard.dialerFor(origin, terms);
    this.single = new OneShotTransport(new URL(origin).host, () => this.dial());
    this.sessions = new Http2Sessions(origin);
    if (origin.startsWith('http:')) this.protocol = H1;
  }

  dispatch(request: TransportRequest, handler: ExchangeHandler): void {
    if (this.protocol === H1 || request.upgrade === true) this.overHttp1(request, handler);
    else this.overNegotiated(request, handler);
  }

  close(): void {
    this.pool.close();
    this.sessions.close();
    for (const spare of this.spares.splice(0)) spare.destroy();
  }

  private overHttp1(request: TransportRequest, handler: ExchangeHandler): void {
    const isSingle = request.trailers !== undefined || request.upgrade === true;
    (isSingle ? this.single : this.pool).dispatch(request, handler);
  }

  private overNegotiated(request: TransportRequest, handler: ExchangeHandler): void {
    const free = this.sessions.free();
    if (free) return this.sessions.dispatch(free, request, handler);
    this.negotiation ??= this.negotiate().finally(() => (this.negotiation = undefined));
    this.negotiation.then(
      (session) => (session ? this.sessions.dispatch(session, request, handler) : this.overHttp1(request, handler)),
      (error: Error) => handler.onResponseError?.(new ExchangeController(), error),
    );
  }

  private async negotiate(): Promise<ClientHttp2Session | undefined> {
    const socket = await this.dial(['h2', H1]);
    if ((socket as TLSSocket).alpnProtocol === 'h2') return this.sessions.adopt(socket);
    this.protocol = H1;
    this.spares.push(socket);
    socket.once('close', () => {
      const at = this.spares.indexOf(socket);
      if (at >= 0) this.spares.splice(at, 1);
    });
    return undefined;
  }
}
