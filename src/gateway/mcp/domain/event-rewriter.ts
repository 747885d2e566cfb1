/** What becomes of the text of one event; throws when it can neither pass nor be changed. */
export type RewriteEvent = (text: string, type: string) => string;

const LINE_END = /[\r\n]/g;
const BYTE_ORDER_MARK = '\ufeff';

/** Thrown when an event is longer than one is held in memory for. */
export class EventTooLongError extends Error {
  override readonly name = 'EventTooLongError';
}

/**
 * Rewrites a stream of server-sent events (HTML, “Server-sent events”), however it is cut into pieces and whichever line ends it uses. An event
 * leaves once it is complete and was judged as a whole; the rest of a broken one never does. Comments pass at once, so that they keep connections alive.
 */
export class EventRewriter {
  private readonly decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  private rest = '';
  private isFirst = true;
  /** The last piece ended with CR; an LF now belongs to it. */
  private afterReturn = false;
  /** Lines of the event under way that are no data. */
  private fields: string[] = [];
  private lines: string[] = [];
  private type = 'message';
  private size = 0;

  constructor(
    private readonly rewrite: RewriteEvent,
    private readonly longest: number,
  ) {}

  /** What may leave after this piece. */
  push(bytes: Uint8Array): string {
    let text = this.rest + this.decoder.decode(bytes, { stream: true });
    if (this.isFirst && text !== '') {
      this.isFirst = false;
      if (text.startsWith(BYTE_ORDER_MARK)) text = text.slice(1);
    }
    if (text !== '') {
      if (this.afterReturn && text.startsWith('\n')) text = text.slice(1);
      this.afterReturn = false;
    }
    return this.takeLines(text);
  }

  private takeLines(text: string): string {
    let out = '';
    let start = 0;
    for (let end = lineEnd(text, start); end >= 0; end = lineEnd(text, start)) {
      out += this.line(text.slice(start, end));
      start = text.startsWith('\r\n', end) ? end + 2 : end + 1;
      this.afterReturn = start === text.length && text.endsWith('\r');
    }
    this.rest = text.slice(start);
    this.require(this.rest.length);
    return out;
  }

  private line(line: string): string {
    if (line === '') return this.complete();
    if (line.startsWith(':')) return `${line}\n`;
    this.size += line.length;
    this.require(0);
    const colon = line.indexOf(':');
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'data') this.lines.push(value);
    else this.fields.push(line);
    if (field === 'event') this.type = value === '' ? 'message' : value;
    return '';
  }

  private complete(): string {
    const { fields, lines, type } = this;
    this.fields = [];
    this.lines = [];
    this.type = 'message';
    this.size = 0;
    const written = lines.length === 0 ? fields : [...fields, ...dataLines(this.rewrite(lines.join('\n'), type))];
    return `${written.map((line) => `${line}\n`).join('')}\n`;
  }

  private require(pending: number): void {
    if (this.size + pending > this.longest) throw new EventTooLongError('an event is too long');
  }
}

/** Where the line ends; -1 while it does not. */
function lineEnd(text: string, start: number): number {
  LINE_END.lastIndex = start;
  return LINE_END.test(text) ? LINE_END.lastIndex - 1 : -1;
}

function dataLines(text: string): string[] {
  return text.split('\n').map((line) => `data: ${line}`);
}
