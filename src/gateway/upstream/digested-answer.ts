import type { RawHeaders } from '../domain/upstream-request.js';
import type { BodyDigest } from './body-digest.js';
import type { AnswerSink } from './upstream-exchange.js';

/** Takes the digest of an answer's body on its way to the sink. Not for upgrades, whose bytes are no body. */
export class DigestedAnswer implements AnswerSink {
  constructor(
    private readonly inner: AnswerSink,
    private readonly digest: BodyDigest,
  ) {}

  informational(status: number, headers: RawHeaders): void {
    this.inner.informational(status, headers);
  }

  head(status: number, statusText: string, headers: RawHeaders): void {
    this.inner.head(status, statusText, headers);
  }

  chunk(bytes: Buffer): boolean {
    this.digest.update(bytes);
    return this.inner.chunk(bytes);
  }

  end(trailers: RawHeaders): void {
    this.inner.end(trailers);
  }

  fail(error: Error): void {
    this.inner.fail(error);
  }
}
