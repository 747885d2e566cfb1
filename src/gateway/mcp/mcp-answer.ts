import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import type { Transform } from 'node:stream';
import { parseJsonStrict } from '../../kernel/json.js';
import { foldName } from '../domain/header-names.js';
import { GatewayError } from '../domain/gateway-error.js';
import { type RawHeaders, valuesOf } from '../domain/upstream-request.js';
import type { AnswerSink } from '../upstream/upstream-exchange.js';
import { foldedValues } from './domain/mcp-headers.js';
import { EventRewriter } from './domain/event-rewriter.js';

/** What is done about the answer of one MCP call. */
export interface AnswerPlan {
  /** What becomes of the messages of the server, one or several; undefined when they pass as they are. */
  readonly reduce?: ((messages: unknown) => unknown) | undefined;
  /** Puts the answers to a batch together when they come as one body; undefined when there is nothing to add. */
  readonly assemble?: ((answered: unknown) => readonly unknown[]) | undefined;
  /** What is answered when the server has nothing to say, and what a stream of events begins with. */
  readonly ownMessages?: readonly unknown[] | undefined;
  /** Binds a session that the server names to the caller. Nothing is answered before. */
  readonly bindSession?: ((id: string) => Promise<void>) | undefined;
}

/** What the answer asks of the exchange it belongs to. */
export interface AnswerControl {
  resume(): void;
  cut(error: Error): void;
}

interface Head {
  readonly status: number;
  readonly statusText: string;
  readonly headers: RawHeaders;
}

type Mode = 'pass' | 'whole' | 'events';

const LONGEST_MESSAGE = 8_388_608;
const DEEPEST = 512;
const UTF8 = new TextDecoder('utf-8', { fatal: true });
const JSON_TYPE = /^\s*application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i;
const EVENT_TYPE = /^\s*text\/event-stream\s*(?:;|$)/i;
/** Answers to what wants none. */
const SILENT: ReadonlySet<number> = new Set([202, 204]);
/** What describes the bytes of the server and not ours. */
const OF_THE_BYTES: ReadonlySet<string> = new Set([
  'content-length',
  'content-encoding',
  'content-md5',
  'content-digest',
  'repr-digest',
  'digest',
  'etag',
  'accept-ranges',
]);

/** Stands between a server's answer and the caller: reduces lists, puts a batch together, binds sessions; lets everything else through untouched. */
export class McpAnswer implements AnswerSink {
  private mode: Mode = 'pass';
  private received: Head | undefined;
  private decoder: Transform | undefined;
  private events: EventRewriter | undefined;
  private readonly pieces: Buffer[] = [];
  private size = 0;
  /** What came while the session was being bound. */
  private held: (() => void)[] | undefined;
  private isOver = false;

  constructor(
    private readonly inner: AnswerSink,
    private readonly plan: AnswerPlan,
    private readonly control: AnswerControl,
  ) {}

  private get own(): readonly unknown[] {
    return this.plan.ownMessages ?? [];
  }

  informational(status: number, headers: RawHeaders): void {
    this.inner.informational(status, headers);
  }

  head(status: number, statusText: string, headers: RawHeaders): void {
    const ids = this.plan.bindSession ? foldedValues(headers, 'mcp-session-id') : [];
    const [id] = ids;
    if (id === undefined || !this.plan.bindSession) return this.start({ status, statusText, headers });
    this.held = [() => this.start({ status, statusText, headers })];
    const binding = ids.length > 1 ? Promise.reject(unusable('several sessions')) : this.plan.bindSession(id);
    binding.then(() => this.release()).catch((error: unknown) => this.giveUp(error));
  }

  chunk(bytes: Buffer): boolean {
    if (this.held) {
      this.held.push(() => void this.take(bytes));
      return false;
    }
    return this.take(bytes);
  }

  end(trailers: RawHeaders): void {
    if (this.held) this.held.push(() => this.finish(trailers));
    else this.finish(trailers);
  }

  fail(error: Error): void {
    this.held = undefined;
    if (this.isOver) return;
    this.isOver = true;
    this.decoder?.destroy();
    this.inner.fail(error);
  }

  private release(): void {
    const { held } = this;
    this.held = undefined;
    for (const step of held ?? []) step();
    if (held) this.control.resume();
  }

  private start(head: Head): void {
    this.received = head;
    this.mode = this.modeOf(head);
    if (this.mode === 'pass') return this.inner.head(head.status, head.statusText, head.headers);
    const encoding = valuesOf(head.headers, 'content-encoding').join(',').trim().toLowerCase();
    if (encoding !== '' && encoding !== 'identity') this.decode(encoding);
    if (this.mode === 'events' && !this.isOver) this.startEvents(head);
  }

  private modeOf({ status, headers }: Head): Mode {
    if (!this.plan.reduce && !this.plan.assemble) return 'pass';
    const type = valuesOf(headers, 'content-type')[0] ?? '';
    if (EVENT_TYPE.test(type)) return 'events';
    if (JSON_TYPE.test(type)) return 'whole';
    return SILENT.has(status) && this.own.length > 0 ? 'whole' : 'pass';
  }

  private startEvents({ status, statusText, headers }: Head): void {
    this.events = new EventRewriter((text, type) => this.reduceEvent(text, type), LONGEST_MESSAGE);
    this.inner.head(status, statusText, withoutByteFields(headers));
    const own = this.own.map((message) => `event: message\ndata: ${JSON.stringify(message)}\n\n`);
    if (own.length > 0) this.inner.chunk(Buffer.from(own.join('')));
  }

  private decode(encoding: string): void {
    const decoder = decoderOf(encoding);
    if (!decoder) return this.giveUp(unusable(`content encoding ${encoding}`));
    this.decoder = decoder;
    decoder.on('data', (bytes: Buffer) => {
      if (!this.takePlain(bytes)) decoder.pause();
    });
    decoder.on('error', (error) => this.giveUp(unusable('a broken content encoding', error)));
    decoder.on('drain', () => this.control.resume());
  }

  /** The caller takes more. */
  drained(): void {
    this.decoder?.resume();
  }

  private take(bytes: Buffer): boolean {
    if (this.isOver) return false;
    return this.decoder ? this.decoder.write(bytes) : this.takePlain(bytes);
  }

  private takePlain(bytes: Buffer): boolean {
    if (this.isOver) return false;
    if (this.mode === 'pass') return this.inner.chunk(bytes);
    if (this.events) return this.takeEvents(this.events, bytes);
    this.size += bytes.length;
    if (this.size > LONGEST_MESSAGE) this.giveUp(unusable('a list that is too long'));
    else this.pieces.push(bytes);
    return true;
  }

  private takeEvents(events: EventRewriter, bytes: Buffer): boolean {
    try {
      const out = events.push(bytes);
      return out === '' || this.inner.chunk(Buffer.from(out));
    } catch (error) {
      this.giveUp(error);
      return false;
    }
  }

  private finish(trailers: RawHeaders): void {
    if (this.isOver) return;
    const { decoder } = this;
    if (!decoder) return this.finishPlain(trailers);
    decoder.on('end', () => this.finishPlain(trailers));
    decoder.end();
  }

  private finishPlain(trailers: RawHeaders): void {
    if (this.isOver) return;
    try {
      if (this.mode === 'whole') this.writeWhole(Buffer.concat(this.pieces));
    } catch (error) {
      return this.giveUp(error);
    }
    this.isOver = true;
    this.inner.end(this.mode === 'pass' ? trailers : []);
  }

  private writeWhole(bytes: Buffer): void {
    const { status, statusText, headers } = this.received as Head;
    if (bytes.length === 0 && this.own.length === 0) return this.inner.head(status, statusText, headers);
    // What refuses the whole batch is said for all of it.
    const assemble = status < 300 ? this.plan.assemble : undefined;
    const text = UTF8.decode(bytes);
    const written = assemble ? JSON.stringify(assemble(this.reduced(text))) : this.rewritten(text);
    if (written === text && !this.decoder) this.inner.head(status, statusText, headers);
    else this.writeHead(bytes.length === 0, Buffer.byteLength(written));
    this.inner.chunk(Buffer.from(written));
  }

  private writeHead(wasSilent: boolean, length: number): void {
    const { status, statusText, headers } = this.received as Head;
    const kept = withoutByteFields(headers).concat('content-length', String(length));
    if (!wasSilent) this.inner.head(status, statusText, kept);
    else this.inner.head(200, 'OK', [...withoutField(kept, 'content-type'), 'content-type', 'application/json']);
  }

  private reduced(text: string): unknown {
    return text === '' ? undefined : this.reduce(JSON.parse(text));
  }

  private reduce(messages: unknown): unknown {
    return this.plan.reduce ? this.plan.reduce(messages) : messages;
  }

  /** The text itself where nothing is taken away and nobody could read it otherwise: numbers may be longer than we can hold. */
  private rewritten(text: string): string {
    const messages: unknown = JSON.parse(text);
    const reduced = this.reduce(messages);
    return reduced === messages && isUnambiguous(text) ? text : JSON.stringify(reduced);
  }

  /** An event without text primes a stream for its resumption (2025-11-25); one that is no message is of an older transport. */
  private reduceEvent(text: string, type: string): string {
    if (text.trim() === '' || (type !== 'message' && !isJson(text))) return text;
    return this.rewritten(text);
  }

  private giveUp(reason: unknown): void {
    const error = reason instanceof GatewayError ? reason : unusable('an answer that cannot be judged', reason);
    this.control.cut(error);
    this.fail(error);
  }
}

function unusable(detail: string, cause?: unknown): GatewayError {
  return new GatewayError('upstream_unavailable', { detail, cause });
}

function decoderOf(encoding: string): Transform | undefined {
  switch (encoding) {
    case 'gzip':
    case 'x-gzip':
      return createGunzip();
    case 'deflate':
      return createInflate();
    case 'br':
      return createBrotliDecompress();
    default:
      return undefined;
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function isUnambiguous(text: string): boolean {
  try {
    parseJsonStrict(text, { maxDepth: DEEPEST });
    return true;
  } catch {
    return false;
  }
}

function withoutByteFields(headers: RawHeaders): string[] {
  return headers.filter((_, at) => !OF_THE_BYTES.has(foldName(headers[at - (at % 2)] as string)));
}

function withoutField(headers: RawHeaders, name: string): string[] {
  return headers.filter((_, at) => foldName(headers[at - (at % 2)] as string) !== name);
}
