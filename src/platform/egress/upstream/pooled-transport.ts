import type { Pool } from 'undici';
import type { PeerDispatch } from './peer-client.js';
import type { ExchangeHandler, Transport, TransportRequest } from './transport.js';

/** HTTP/1.1 exchanges over kept connections. Trailers of requests and upgrades are not for it. Time limits are the exchange's. */
export class PooledTransport implements Transport {
  constructor(private readonly pool: Pool) {}

  dispatch({ method, target, headers, body }: TransportRequest, handler: ExchangeHandler): void {
    const options: PeerDispatch = {
      method,
      path: target,
      headers: headers as string[],
      body,
      headersTimeout: 0,
      bodyTimeout: 0,
      onConnection: (connection) => handler.onConnection?.(connection),
    };
    this.pool.dispatch(options, handler);
  }

  close(): void {
    void this.pool.close();
  }
}
