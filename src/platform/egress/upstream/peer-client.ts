import { type buildConnector, Client, type Dispatcher } from 'undici';
import { letPausedParsersFinish } from './paused-parser.js';
import { type Connection, type ExchangeHandler, peerOf } from './transport.js';

/** Options of a dispatch that asks which connection carries it. */
export interface PeerDispatch extends Dispatcher.DispatchOptions {
  readonly onConnection?: ExchangeHandler['onConnection'] | undefined;
}

/** One connection of a pool, opened anew when it was lost, that tells its exchanges whom it reaches. */
export class PeerClient extends Client {
  private readonly connection: Connection;

  constructor(origin: URL, options: object, connect: buildConnector.connector) {
    const connection: { peer: string | undefined } = { peer: undefined };
    super(origin, {
      ...options,
      connect: (to, callback) =>
        connect(to, (...[error, socket]) => {
          if (error) return callback(error, null);
          connection.peer = peerOf(socket);
          callback(null, socket);
          letPausedParsersFinish(socket);
        }),
    });
    this.connection = connection;
  }

  override dispatch(options: PeerDispatch, handler: Dispatcher.DispatchHandler): boolean {
    options.onConnection?.(this.connection);
    return super.dispatch(options, handler);
  }
}
