import type { FastifyReply } from 'fastify';

/** The answer to one reader of server-sent events (HTML Living Standard §9.2). */
export interface EventOutput {
  /** Bytes that the reader has not taken yet. */
  readonly unsent: number;
  write(text: string): void;
  end(): void;
  /** `listener` is called once, when the reader has gone or the answer was ended. */
  onClosed(listener: () => void): void;
}

/** Begins an event stream in place of the route's own answer; header fields that were set stay. */
export function openEventStream(reply: FastifyReply): EventOutput {
  const { raw } = reply;
  reply.hijack();
  const headers = {
    ...reply.getHeaders(),
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
  };
  raw.writeHead(200, headers as Record<string, string>);
  return {
    get unsent() {
      return raw.writableLength;
    },
    write: (text) => void raw.write(text),
    end: () => void raw.end(),
    onClosed: (listener) => void raw.once('close', listener),
  };
}
