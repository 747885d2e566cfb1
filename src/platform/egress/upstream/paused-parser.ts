import type { Socket } from 'node:net';
import { errors } from 'undici';

/** What is used of undici's parser of HTTP/1.1 answers. */
interface Parser {
  readonly ptr: unknown;
  readonly socket: Socket;
  readonly llhttp: { llhttp_resume(ptr: unknown): void };
  paused: boolean;
  execute(bytes: Buffer): void;
  finish: (this: Parser) => Error | null;
}

const NOTHING = Buffer.alloc(0);
const mended = new WeakSet<object>();

/**
 * undici 7 takes it for impossible that a connection ends while nobody reads the answer on it, and ends the process (ADR 41). This is what
 * undici 8 does instead: the rest of what was received is read first. Call it when undici has taken its first connection.
 */
export function letPausedParsersFinish(socket: Socket): void {
  const parser = parserOf(socket);
  const kind = parser && (Object.getPrototypeOf(parser) as Parser);
  if (!kind || mended.has(kind)) return;
  mended.add(kind);
  const { finish } = kind;
  kind.finish = function (this: Parser): Error | null {
    return readRest(this) ?? finish.call(this);
  };
}

function parserOf(socket: Socket): Parser | undefined {
  const key = Object.getOwnPropertySymbols(socket).find(({ description }) => description === 'parser');
  return key && (socket as unknown as Record<symbol, Parser | undefined>)[key];
}

/**
 * What was received and not read is handed over, wanted or not: it is no more than a socket's buffer. An answer that lost some of it is broken, and
 * a reset is no end of one that has no other (RFC 9112 §8).
 */
function readRest(parser: Parser): Error | undefined {
  const { socket, paused } = parser;
  if (socket.errored || (paused && socket.destroyed)) return new errors.SocketError('the connection broke off');
  if (!paused) return undefined;
  let bytes: Buffer;
  do {
    goOn(parser);
    bytes = (socket.read() as Buffer | null) ?? NOTHING;
    parser.execute(bytes);
  } while (parser.paused && bytes.length > 0);
  if (parser.paused) goOn(parser);
  return undefined;
}

function goOn(parser: Parser): void {
  parser.llhttp.llhttp_resume(parser.ptr);
  parser.paused = false;
}
