import type { IncomingMessage } from 'node:http';
import { PassThrough } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import type { Transport } from '../../platform/egress/index.js';
import { ClientGoneError, RequestBody } from './request-body.js';
import { type AnswerSink, UpstreamExchange } from './upstream-exchange.js';

/** A caller that may send, and go away. */
function caller(maxBytes: number): { readonly source: PassThrough; readonly body: RequestBody } {
  const source = Object.assign(new PassThrough(), { complete: false });
  return { source, body: new RequestBody(source as unknown as IncomingMessage, maxBytes) };
}

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const ENDS: readonly (readonly [string, (source: PassThrough) => unknown, string])[] = [
  ['grows beyond its limit', (source) => source.write('12345'), 'request_too_large'],
  ['loses its caller', (source) => source.destroy(), new ClientGoneError().message],
];

describe('[T8] a body that nobody carries yet', () => {
  it.each(ENDS)('and that %s is broken, and no error of the process', async (_name, end, message) => {
    const { source, body } = caller(4);
    end(source);
    await nextTurn();
    expect(body.errored?.message).toBe(message);
  });

  it.each(ENDS)('and that %s while the upstream is dialled ends the exchange, once', async (_name, end, message) => {
    const { source, body } = caller(4);
    const failures: Error[] = [];
    const aborted: Error[] = [];
    const sink = { fail: (error: Error) => failures.push(error) } as unknown as AnswerSink;
    const limits = { headersTimeoutMs: 30_000, idleTimeoutMs: 30_000, totalTimeoutMs: undefined };
    const exchange = new UpstreamExchange({ method: 'POST', target: '/', headers: [], body, ...limits }, sink);
    exchange.dispatch({ dispatch: () => undefined, close: () => undefined } satisfies Transport);
    end(source);
    await nextTurn();
    expect(failures.map((error) => error.message)).toEqual([message]);
    exchange.onRequestStart({ abort: (error: Error) => aborted.push(error) } as never);
    expect(aborted).toEqual(failures);
  });
});
