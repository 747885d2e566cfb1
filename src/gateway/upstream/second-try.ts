import type { Duplex } from 'node:stream';
import type { RawHeaders } from '../domain/upstream-request.js';
import type { AnswerSink } from './upstream-exchange.js';

/** RFC 9110 §15.5.2: the request was not applied, so repeating it with another credential does nothing twice. */
const UNAUTHORIZED = 401;

export interface SecondTryParts {
  /** Where the answer goes in the end. */
  readonly sink: AnswerSink;
  /** Asks for another credential; answers how to send the request with it, or undefined when there is none. */
  readonly renew: () => Promise<(() => void) | undefined>;
  /** Ends the exchange whose answer is not wanted. */
  readonly discard: () => void;
  /** Lets an answer go on that was held back. */
  readonly resume: () => void;
}

/** Holds a refused credential's answer back while another credential is asked for; then either drops it for a second try or lets it through. */
export class SecondTry implements AnswerSink {
  private state: 'open' | 'held' | 'dropped' = 'open';
  private readonly held: ((sink: AnswerSink) => boolean | undefined)[] = [];

  constructor(private readonly parts: SecondTryParts) {}

  informational(status: number, headers: RawHeaders): void {
    if (this.state === 'open') this.parts.sink.informational(status, headers);
  }

  head(status: number, statusText: string, headers: RawHeaders): void {
    if (status !== UNAUTHORIZED) {
      this.parts.sink.head(status, statusText, headers);
      return;
    }
    this.state = 'held';
    this.held.push((sink) => void sink.head(status, statusText, headers));
    this.parts
      .renew()
      .catch(() => undefined)
      .then((send) => this.decide(send))
      .catch((error: unknown) => this.parts.sink.fail(error as Error));
  }

  chunk(bytes: Buffer): boolean {
    if (this.state === 'open') return this.parts.sink.chunk(bytes);
    if (this.state === 'held') this.held.push((sink) => sink.chunk(bytes));
    return false;
  }

  end(trailers: RawHeaders): void {
    if (this.state === 'open') this.parts.sink.end(trailers);
    if (this.state === 'held') this.held.push((sink) => void sink.end(trailers));
  }

  /** What ends the exchange from outside does not wait for a credential. */
  fail(error: Error): void {
    if (this.state === 'dropped') return;
    this.state = 'dropped';
    this.parts.sink.fail(error);
  }

  upgraded(headers: RawHeaders, connection: Duplex): void {
    if (this.state === 'open' && this.parts.sink.upgraded) this.parts.sink.upgraded(headers, connection);
    else connection.destroy();
  }

  private decide(send: (() => void) | undefined): void {
    if (this.state !== 'held') return;
    if (send) {
      this.state = 'dropped';
      this.parts.discard();
      send();
      return;
    }
    this.state = 'open';
    const mayGoOn = this.held.map((pass) => pass(this.parts.sink)).every((answer) => answer !== false);
    if (mayGoOn) this.parts.resume();
  }
}
