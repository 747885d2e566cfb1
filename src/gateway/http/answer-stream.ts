import type { ServerResponse } from 'node:http';
import { contentCodings, type EchoForms, echoTreatment, joinForms, withoutEchoes } from '../domain/echo-forms.js';
import { GatewayError } from '../domain/gateway-error.js';
import { type RawHeaders, valuesOf } from '../domain/upstream-request.js';
import { type ResponseRules, responseHeaders, withoutTrailerField } from '../domain/upstream-response.js';
import { EchoFilter } from '../upstream/echo-filter.js';
import { EncodedScan, type ScanFault } from '../upstream/encoded-scan.js';
import type { AnswerSink } from '../upstream/upstream-exchange.js';
import { InformationalAnswers } from './informational.js';

export interface AnswerParts {
  readonly method: string;
  readonly rules: ResponseRules;
  /** Ours, names and values in turn. */
  readonly ownHeaders: RawHeaders;
  readonly echo: EchoForms;
}

/** What the stream asks of the call it belongs to. */
export interface AnswerEvents {
  /** The caller can take more. */
  drained(): void;
  /** The upstream echoed an injected secret. */
  echoed(where: 'header' | 'body'): void;
  /** The body cannot be mended: end the exchange with this error. */
  cut(error: Error): void;
  /** The last call. Without an error the answer is complete; with one and `headSent` false the caller still has to be answered. */
  done(error?: Error): void;
}

/** RFC 9112 §4, as characters of single bytes. */
const REASON_PHRASE = /^[\t\x20-\x7e\x80-\xff]*$/;
const NOTHING = Buffer.alloc(0);
/** How long a last event may take to leave. */
const FAREWELL_MS = 250;

interface PendingHead {
  readonly status: number;
  readonly statusText: string;
  headers: string[];
}

/** Writes an upstream's answer to the caller as it arrives, under the response rules. */
export class AnswerStream implements AnswerSink {
  status: number | undefined;
  bytes = 0;
  private filter: EchoFilter;
  /** Reads an encoded body along; then nothing leaves but what it releases. */
  private scan: EncodedScan | undefined;
  private pending: PendingHead | undefined;
  private isEventStream = false;
  private isOver = false;
  private echo: EchoForms;
  private readonly before: InformationalAnswers;

  constructor(
    private readonly response: ServerResponse,
    private readonly parts: AnswerParts,
    private readonly events: AnswerEvents,
  ) {
    this.echo = parts.echo;
    this.before = new InformationalAnswers(response);
    this.filter = new EchoFilter(this.echo, 'none');
    response.on('drain', () => events.drained());
  }

  get headSent(): boolean {
    return this.response.headersSent;
  }

  /** Another secret was sent with a second try; neither may come back. */
  alsoScrub(forms: EchoForms): void {
    this.echo = joinForms(this.echo, forms);
  }

  informational(status: number, headers: RawHeaders): void {
    const passed = withoutEchoes(responseHeaders(headers, this.parts.rules), this.echo);
    if (passed.found) this.events.echoed('header');
    this.before.send(status, passed.headers);
  }

  head(status: number, statusText: string, headers: RawHeaders): void {
    this.status = status;
    const passed = withoutEchoes(responseHeaders(headers, this.parts.rules), this.echo);
    if (passed.found) this.events.echoed('header');
    const codings = contentCodings(headers);
    this.isEventStream = codings.length === 0 && hasEvents(headers);
    const hasBody = this.parts.method !== 'HEAD' && status !== 204 && status !== 304;
    const treatment = hasBody ? echoTreatment(status, headers, this.echo) : 'none';
    if (treatment === 'cut_decoded') this.scan = this.openScan(codings);
    this.filter = new EchoFilter(this.echo, this.scan ? 'none' : treatment);
    this.pending = {
      status,
      statusText,
      headers: [...this.announced(passed.headers, hasBody), ...this.parts.ownHeaders],
    };
    if (!this.filter.keepsAll) this.writeHead();
  }

  chunk(bytes: Buffer): boolean {
    if (this.scan) {
      this.scan.push(bytes);
      return false;
    }
    const released = this.filter.push(bytes);
    if (this.filter.mustCut) {
      this.events.echoed('body');
      this.events.cut(cutBy('echo'));
      return false;
    }
    return released.length === 0 || this.write(released);
  }

  end(trailers: RawHeaders): void {
    if (this.scan) this.scan.end(() => this.finish(trailers));
    else this.finish(trailers);
  }

  fail(error: Error): void {
    if (this.isOver) return;
    this.isOver = true;
    this.scan?.close();
    if (this.response.headersSent) this.breakOff(error);
    this.events.done(error);
  }

  private openScan(codings: readonly string[]): EncodedScan {
    const failed = (error: Error): void => {
      this.events.cut(error);
      // An exchange that is over cannot be cut any more.
      this.fail(error);
    };
    return new EncodedScan(this.echo, codings, {
      release: (pieces) => {
        const isOpen = pieces.map((piece) => this.write(piece)).at(-1) ?? true;
        if (isOpen) this.events.drained();
      },
      fault: (fault) => {
        if (fault === 'echo') this.events.echoed('body');
        failed(cutBy(fault));
      },
      failed,
    });
  }

  /** Trailers follow chunks and nothing else (RFC 9112 §7.1.2). */
  private announced(headers: string[], hasBody: boolean): string[] {
    const isChunked = this.response.req.httpVersion === '1.1' && valuesOf(headers, 'content-length').length === 0;
    return hasBody && isChunked ? headers : withoutTrailerField(headers);
  }

  private finish(trailers: RawHeaders): void {
    if (this.isOver) return;
    try {
      this.finishBody(trailers);
    } catch (error) {
      return this.fail(error as Error);
    }
    this.isOver = true;
    this.events.done();
  }

  private finishBody(trailers: RawHeaders): void {
    const rest = this.filter.flush();
    if (this.filter.found) this.events.echoed('body');
    if (this.pending) this.writeWhole(this.pending, rest.length);
    if (rest.length > 0) this.write(rest);
    this.addTrailers(trailers);
    this.response.end();
  }

  /** Tells a reader of events why, as far as the connection still takes it. */
  private breakOff(error: Error): void {
    if (this.isEventStream && error instanceof GatewayError && !this.response.writableNeedDrain) {
      const late = setTimeout(() => this.destroy(), FAREWELL_MS);
      this.response.write(`event: error\ndata: ${JSON.stringify({ code: error.code })}\n\n`, () => {
        clearTimeout(late);
        this.destroy();
      });
      return;
    }
    this.destroy();
  }

  /** Never a clean end: a body without a length would look complete if the connection were merely closed (RFC 9112 §8). */
  private destroy(): void {
    const { socket } = this.response;
    if (socket && this.response.req.httpVersion === '1.0') socket.resetAndDestroy();
    this.response.destroy();
  }

  private writeWhole(pending: PendingHead, length: number): void {
    if (this.filter.found) pending.headers = withLength(pending.headers, length);
    this.writeHead();
  }

  private writeHead(): void {
    if (!this.pending) return;
    const { status, statusText, headers } = this.pending;
    this.pending = undefined;
    this.response.sendDate = false;
    this.response.writeHead(status, REASON_PHRASE.test(statusText) ? statusText : '', headers);
    // A head that came without any body yet must not wait for it; one that came with it leaves in the same packet. An empty write,
    // because `flushHeaders` would encode single-byte characters as UTF-8.
    queueMicrotask(() => {
      if (this.bytes === 0 && !this.response.writableEnded && !this.response.destroyed) this.response.write(NOTHING);
    });
  }

  private write(bytes: Buffer): boolean {
    this.bytes += bytes.length;
    return this.response.write(bytes);
  }

  private addTrailers(trailers: RawHeaders): void {
    if (trailers.length === 0) return;
    const passed = withoutEchoes(responseHeaders(trailers, this.parts.rules), this.echo).headers;
    const pairs: [string, string][] = [];
    for (let at = 0; at + 1 < passed.length; at += 2) pairs.push([passed[at] as string, passed[at + 1] as string]);
    this.response.addTrailers(pairs);
  }
}

function hasEvents(headers: RawHeaders): boolean {
  return /^\s*text\/event-stream/i.test(valuesOf(headers, 'content-type')[0] ?? '');
}

function cutBy(fault: ScanFault): GatewayError {
  const detail = fault === 'echo' ? 'the answer echoes a credential' : 'the answer decodes to too much to be searched';
  return new GatewayError('upstream_unavailable', { detail });
}

function withLength(headers: readonly string[], length: number): string[] {
  return headers.map((value, at) =>
    at % 2 === 1 && headers[at - 1]?.toLowerCase() === 'content-length' ? String(length) : value,
  );
}
