import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type IncomingHttpHeaders,
  type IncomingHttpStatusHeader,
  type OutgoingHttpHeaders,
} from 'node:http2';
import type { Socket } from 'node:net';
import {
  type Connection,
  ExchangeController,
  type ExchangeHandler,
  peerOf,
  sendBody,
  type RawHeaders,
  type TransportRequest,
} from './transport.js';

const IDLE_MS = 60_000;
/** Until the upstream says how many exchanges it takes side by side (RFC 9113 §6.5.2). */
const USUAL_STREAMS = 100;

/** HTTP/2 connections to one upstream (RFC 9113), each taking as many exchanges as the upstream allows. */
export class Http2Sessions {
  private readonly open = new Map<ClientHttp2Session, number>();
  private readonly connections = new WeakMap<ClientHttp2Session, Connection>();

  constructor(private readonly origin: string) {}

  /** Makes a session of a connection that agreed on `h2`. */
  adopt(socket: Socket): ClientHttp2Session {
    const session = connect(this.origin, {
      createConnection: () => socket,
      settings: { enablePush: false },
      peerMaxConcurrentStreams: USUAL_STREAMS,
    });
    this.open.set(session, 0);
    this.connections.set(session, { peer: peerOf(socket) });
    const drop = (): void => void this.open.delete(session);
    session.on('error', drop).on('close', drop).on('goaway', drop);
    session.setTimeout(IDLE_MS, () => {
      if (this.open.get(session) === 0) session.close();
    });
    return session;
  }

  /** A session with room for one more exchange. */
  free(): ClientHttp2Session | undefined {
    for (const [session, streams] of this.open) {
      const most = session.remoteSettings?.maxConcurrentStreams ?? USUAL_STREAMS;
      if (!session.closed && !session.destroyed && streams < most) return session;
    }
    return undefined;
  }

  close(): void {
    for (const session of this.open.keys()) session.close();
  }

  /** One exchange; the session may have ended by now, then the handler is told. */
  dispatch(session: ClientHttp2Session, request: TransportRequest, handler: ExchangeHandler): void {
    const controller = new ExchangeController();
    const connection = this.connections.get(session);
    if (connection) handler.onConnection?.(connection);
    handler.onRequestStart?.(controller, null);
    if (controller.aborted) return;
    try {
      const stream = session.request(fieldsOf(request, new URL(this.origin).host), {
        endStream: request.body === null && request.trailers === undefined,
        waitForTrailers: request.trailers !== undefined,
      });
      this.count(session, stream);
      carry(stream, request, { handler, controller });
    } catch (error) {
      handler.onResponseError?.(controller, error as Error);
    }
  }

  private count(session: ClientHttp2Session, stream: ClientHttp2Stream): void {
    const add = (more: number): void => {
      const now = this.open.get(session);
      if (now !== undefined) this.open.set(session, now + more);
    };
    add(1);
    stream.once('close', () => add(-1));
  }
}

interface Exchange {
  readonly handler: ExchangeHandler;
  readonly controller: ExchangeController;
}

/** Names in lower case (RFC 9113 §8.2), repeated ones as lists, the pseudo-fields first. */
function fieldsOf({ method, target, headers }: TransportRequest, authority: string): OutgoingHttpHeaders {
  const fields = toFields(headers);
  return Object.assign(Object.create(null) as OutgoingHttpHeaders, {
    ':method': method,
    ':scheme': 'https',
    ':authority': authority,
    ':path': target,
    ...fields,
  });
}

function toFields(headers: RawHeaders): OutgoingHttpHeaders {
  const fields = Object.create(null) as Record<string, string | string[]>;
  for (let at = 0; at + 1 < headers.length; at += 2) {
    const name = (headers[at] as string).toLowerCase();
    const known = fields[name];
    const value = headers[at + 1] as string;
    fields[name] = known === undefined ? value : [known, value].flat();
  }
  return fields;
}

function carry(stream: ClientHttp2Stream, request: TransportRequest, { handler, controller }: Exchange): void {
  const fail = (error: Error): void => {
    stream.close(constants.NGHTTP2_CANCEL);
    handler.onResponseError?.(controller, error);
  };
  controller.attach({
    pause: () => stream.pause(),
    resume: () => stream.resume(),
    abort: () => stream.close(constants.NGHTTP2_CANCEL),
  });
  stream.on('error', fail);
  stream.on('wantTrailers', () => stream.sendTrailers(toFields(request.trailers?.() ?? [])));
  receive(stream, { handler, controller }, fail);
  if (request.body !== null || request.trailers !== undefined)
    sendBody(request.body, stream, { ended: () => stream.end(), failed: fail });
}

function receive(stream: ClientHttp2Stream, { handler, controller }: Exchange, fail: (error: Error) => void): void {
  let missing: number | undefined;
  let ended = false;
  const begin = (fields: IncomingHttpHeaders & IncomingHttpStatusHeader, raw: RawHeaders): void => {
    controller.rawHeaders = withoutPseudo(raw);
    handler.onResponseStart?.(controller, Number(fields[':status']), {}, '');
  };
  // The third argument, the fields as they came, is not in the types.
  const listen = (event: string, listener: FieldsListener): unknown => stream.on(event, listener as () => void);
  listen('headers', (fields, _flags, raw) => begin(fields, raw));
  listen('response', (fields, _flags, raw) => {
    const length = fields['content-length'];
    if (length !== undefined && fields[':status'] !== 304) missing = Number(length);
    begin(fields, raw);
    stream.on('data', (chunk: Buffer) => {
      if (missing !== undefined) missing -= chunk.length;
      handler.onResponseData?.(controller, chunk);
    });
  });
  listen('trailers', (_fields, _flags, raw) => (controller.rawTrailers = withoutPseudo(raw)));
  stream.on('end', () => {
    // Node ends a stream that was reset as if it were whole (RFC 9113 §8.1.1).
    const isShort = missing !== undefined && missing > 0 && !isHead(stream);
    if (isShort || stream.rstCode !== constants.NGHTTP2_NO_ERROR) return fail(new Error('the answer was cut off'));
    ended = true;
    handler.onResponseEnd?.(controller, {});
    if (!stream.writableFinished) stream.close(constants.NGHTTP2_CANCEL);
  });
  stream.on('close', () => {
    if (!ended) handler.onResponseError?.(controller, new Error('the answer was cut off'));
  });
}

type FieldsListener = (
  fields: IncomingHttpHeaders & IncomingHttpStatusHeader,
  flags: number,
  raw: readonly string[],
) => void;

function isHead(stream: ClientHttp2Stream): boolean {
  return stream.sentHeaders?.[':method'] === 'HEAD';
}

function withoutPseudo(raw: RawHeaders): string[] {
  return raw.filter((_, at) => !(raw[at - (at % 2)] as string).startsWith(':'));
}
