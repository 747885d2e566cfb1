import type { ServerResponse } from 'node:http';
import type { RawHeaders } from '../domain/upstream-request.js';

/** RFC 9110 §5.6.2 and §5.5, as characters of single bytes. */
const NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;
/** Of the registered codes; a phrase says nothing that the code does not (RFC 9112 §4). */
const REASONS: Readonly<Record<number, string>> = { 100: 'Continue', 102: 'Processing', 103: 'Early Hints' };
/** What a caller that does not read yet is kept. */
const MOST_WAITING = 65_536;

/** Answers before the answer (RFC 9110 §15.2), written as they are: Node has words for some of their codes only. */
export class InformationalAnswers {
  private readonly waiting: Buffer[] = [];
  private size = 0;

  constructor(private readonly response: ServerResponse) {}

  /** Sends one, unless the final answer has begun, the caller is older than such answers, or it does not take what it was sent. */
  send(status: number, headers: RawHeaders): void {
    const { response } = this;
    if (status < 100 || status > 199 || status === 101) return;
    if (response.destroyed || response.headersSent || response.req.httpVersion !== '1.1') return;
    const message = informationalMessage(status, headers);
    const { socket } = response;
    if (!socket) this.wait(message);
    else if (socket.writable && !socket.writableNeedDrain) socket.write(message);
  }

  /** The answer to an earlier request of the connection is still under way (RFC 9112 §9.3.2). */
  private wait(message: Buffer): void {
    this.size += message.length;
    if (this.size > MOST_WAITING) return;
    if (this.waiting.push(message) > 1) return;
    this.response.once('socket', (socket: NodeJS.WritableStream) => {
      for (const one of this.waiting.splice(0)) socket.write(one);
    });
  }
}

/** The message of a 1xx answer. A field that no message may hold is left out, as is a length, since there is no body (RFC 9110 §8.6). */
export function informationalMessage(status: number, headers: RawHeaders): Buffer {
  let text = `HTTP/1.1 ${status} ${REASONS[status] ?? ''}\r\n`;
  for (let at = 0; at + 1 < headers.length; at += 2) {
    const name = headers[at] as string;
    const value = headers[at + 1] as string;
    if (NAME.test(name) && VALUE.test(value) && !/^(?:content-length|trailer)$/i.test(name))
      text += `${name}: ${value}\r\n`;
  }
  return Buffer.from(`${text}\r\n`, 'latin1');
}
