import type { ServerResponse } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { AppError } from '../../../kernel/app-error.js';
import { callerOf, type Caller } from '../request/caller.js';

const EVENT_STREAM = 'text/event-stream';
const JUDGE_EVERY_MS = 1_000;

/** The answer to one reader of server-sent events (HTML Living Standard §9.2). */
export interface EventOutput {
  /** Bytes that the reader has not taken yet. */
  readonly unsent: number;
  write(text: string): void;
  end(): void;
  /** `listener` is called once, when the reader has gone or the answer was ended. */
  onClosed(listener: () => void): void;
}

/** Throws `invalid_request` unless the reader asks for an event stream: whoever does not know what this is would wait for its end. */
export function requireEventStream({ headers }: Pick<FastifyRequest, 'headers'>): void {
  if (headers.accept?.includes(EVENT_STREAM) !== true)
    throw new AppError('invalid_request', `Ask for the stream with Accept: ${EVENT_STREAM}.`);
}

/**
 * Begins an event stream in place of the route's own answer; header fields that were set stay. It ends when its reader's credential ends, or when
 * that cannot be known.
 */
export function openEventStream(reply: FastifyReply): EventOutput {
  const { raw } = reply;
  reply.hijack();
  const headers = { ...reply.getHeaders(), 'content-type': EVENT_STREAM, 'cache-control': 'no-store' };
  raw.writeHead(200, headers as Record<string, string>);
  endWith(callerOf(reply.request), raw);
  return {
    get unsent() {
      return raw.writableLength;
    },
    write: (text) => void raw.write(text),
    end: () => void raw.end(),
    onClosed: (listener) => void raw.once('close', listener),
  };
}

function endWith({ stands }: Caller, raw: ServerResponse): void {
  if (!stands) return;
  const judge = setInterval(() => {
    stands().then(
      (still) => void (still || raw.end()),
      () => raw.end(),
    );
  }, JUDGE_EVERY_MS).unref();
  raw.once('close', () => clearInterval(judge));
}
