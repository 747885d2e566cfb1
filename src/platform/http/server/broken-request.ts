import type { Socket } from 'node:net';
import { newId } from '../../ids/index.js';
import { PROBLEM_MEDIA_TYPE, problemDocument } from '../errors/problem.js';

interface Answer {
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly headers: readonly string[];
}

const CLIENT_FAULTS: Readonly<Record<string, number>> = { HPE_HEADER_OVERFLOW: 431, ERR_HTTP_REQUEST_TIMEOUT: 408 };
const METHODS = 'DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT';
/** A request line (RFC 9112 §3) at the start of what was received, with its target in origin form. */
const REQUEST_LINE = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+ (\/\S*) HTTP\/1\.[01]\r\n/;
const LONGEST_LINE = 8_192;
/** What the gateway refuses carries its code, so that it can be told from the upstream's. */
const GATEWAY = '/g/';

/** What cannot be parsed as HTTP is answered once and the connection is closed (RFC 9112 §9.6). */
export function answerBrokenRequest(error: NodeJS.ErrnoException, socket: Socket, base: string): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const { status, code, detail, headers } = answerOf(error);
  const requestId = newId('req');
  const body = JSON.stringify(problemDocument(base, { code, status, detail, requestId }));
  const head = [
    `HTTP/1.1 ${status} Refused`,
    ...headers,
    `Content-Type: ${PROBLEM_MEDIA_TYPE}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    `X-Request-Id: ${requestId}`,
    'Cache-Control: no-store',
    'Connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}

/** A method that the parser has never heard of is as little allowed as one that it knows (RFC 9110 §15.5.6); methods are case-sensitive. */
function answerOf(error: NodeJS.ErrnoException & { readonly rawPacket?: unknown }): Answer {
  const target = error.code === 'HPE_INVALID_METHOD' ? targetOf(error.rawPacket) : undefined;
  if (target !== undefined) {
    const code = 'method_not_allowed';
    const own = target.startsWith(GATEWAY) ? [`Caracal-Error: ${code}`] : [];
    return { status: 405, code, detail: 'The method is not allowed here.', headers: [`Allow: ${METHODS}`, ...own] };
  }
  const status = CLIENT_FAULTS[error.code ?? ''] ?? 400;
  const code = status === 431 ? 'request_too_large' : 'invalid_request';
  return { status, code, detail: 'The request is not valid HTTP.', headers: [] };
}

function targetOf(packet: unknown): string | undefined {
  return packet instanceof Buffer ? REQUEST_LINE.exec(packet.toString('latin1', 0, LONGEST_LINE))?.[1] : undefined;
}
