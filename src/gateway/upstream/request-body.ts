import type { IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import { GatewayError } from '../domain/gateway-error.js';
import type { BodyDigest } from './body-digest.js';

/**
 * The caller's body on its way to the upstream: read only as fast as the upstream takes it, counted, refused beyond its limit. Separate from the
 * request itself, because the client destroys what it has sent.
 */
export class RequestBody extends Readable {
  bytes = 0;
  /** Called for each piece, so that a slow upload is not taken for a silent upstream. */
  onProgress: (() => void) | undefined;
  /** Takes in what is passed on. */
  digest: BodyDigest | undefined;

  constructor(
    private readonly source: IncomingMessage,
    private readonly maxBytes: number,
  ) {
    super({ autoDestroy: true });
    // Whoever carries the body listens for its end; until then, and after it has let go, an error of it is nobody's and must not end the process.
    this.on('error', () => undefined);
    source.on('data', this.receive).on('end', this.finishBody).on('close', this.loseBody).on('error', this.loseBody);
  }

  override _read(): void {
    this.source.resume();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.source
      .off('data', this.receive)
      .off('end', this.finishBody)
      .off('close', this.loseBody)
      .off('error', this.loseBody);
    // The rest, if any, is for whoever answers to drain; an error after this moment is nobody's.
    this.source.on('error', () => undefined);
    done(error);
  }

  private readonly receive = (chunk: Buffer): void => {
    this.bytes += chunk.length;
    this.onProgress?.();
    if (this.bytes > this.maxBytes) return void this.destroy(new GatewayError('request_too_large'));
    this.digest?.update(chunk);
    if (!this.push(chunk)) this.source.pause();
  };

  private readonly finishBody = (): void => {
    this.push(null);
  };

  private readonly loseBody = (): void => {
    if (!this.source.complete) this.destroy(new ClientGoneError());
  };
}

/** The caller went away; there is nobody to answer. */
export class ClientGoneError extends Error {
  override readonly name = 'ClientGoneError';

  constructor() {
    super('the client closed the connection');
  }
}
