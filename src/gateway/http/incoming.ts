import type { IncomingMessage, ServerResponse } from 'node:http';
import type { RequestFacts, UpgradedConnection } from '../../platform/http/index.js';
import { RequestBody } from '../upstream/request-body.js';

/** A request that asks to become a WebSocket. */
export interface Upgrade extends UpgradedConnection {
  readonly key: string;
}

/** A request of a caller and the answer it waits for, both raw. */
export interface Incoming {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly facts: RequestFacts;
  readonly upgrade?: Upgrade | undefined;
  /** Adds to the one line that is logged about the request. */
  readonly summarize: (fields: Readonly<Record<string, string | number | undefined>>) => void;
}

/** Beyond this a caller that is already answered is not listened to any longer. */
const MOST_DRAINED = 67_108_864;

export function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

/** The caller's body from now on; tells a caller that waits for it to send (RFC 9110 §10.1.1). */
export function openBody({ request, response }: Incoming, maxBytes: number): RequestBody {
  if (request.headers.expect !== undefined && request.httpVersion === '1.1') response.writeContinue();
  return new RequestBody(request, maxBytes);
}

/** Lets an answered caller finish sending, so that it reads the answer instead of a reset; within bounds. */
export function drainRest(request: IncomingMessage): void {
  if (request.complete || request.destroyed) return;
  let drained = 0;
  request.on('data', (chunk: Buffer) => {
    drained += chunk.length;
    if (drained > MOST_DRAINED) request.destroy();
  });
  request.on('error', () => undefined);
  request.resume();
}
