import { PassThrough } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import { type AnswerSink, UpstreamExchange } from './upstream-exchange.js';

const CALL = {
  method: 'GET',
  target: '/',
  headers: [],
  body: undefined,
  headersTimeoutMs: 30_000,
  idleTimeoutMs: 30_000,
  totalTimeoutMs: undefined,
};

/** An exchange whose answer cannot be passed on at one of its steps, and what became of it. */
function brokenAt(step: keyof AnswerSink) {
  const failures: Error[] = [];
  const aborted: Error[] = [];
  const sink: AnswerSink = {
    informational: () => undefined,
    head: () => undefined,
    chunk: () => true,
    end: () => undefined,
    upgraded: () => undefined,
    [step]: () => {
      throw new Error('cannot');
    },
    fail: (error) => failures.push(error),
  };
  const controller = { rawHeaders: [], rawTrailers: [], abort: (error: Error) => aborted.push(error) } as never;
  const exchange = new UpstreamExchange(CALL, sink);
  exchange.onRequestStart(controller);
  return { failures, aborted, controller, exchange };
}

describe('[T8] an answer that cannot be passed on', () => {
  it.each<[keyof AnswerSink, boolean]>([
    ['informational', true],
    ['head', true],
    ['chunk', true],
    ['end', false],
  ])('at its %s ends its exchange, and not the process', (step, isOpen) => {
    const { failures, aborted, controller, exchange } = brokenAt(step);
    exchange.onResponseStart(controller, 103, {});
    exchange.onResponseStart(controller, 200, {});
    exchange.onResponseData(controller, Buffer.from('x'));
    exchange.onResponseEnd(controller);
    expect(failures).toEqual([expect.objectContaining({ code: 'upstream_unavailable' })]);
    expect(aborted).toEqual(isOpen ? failures : []);
  });

  it('at its upgrade ends the connection of the upstream too', () => {
    const { failures, controller, exchange } = brokenAt('upgraded');
    const socket = new PassThrough();
    exchange.onRequestUpgrade(controller, 101, {}, socket);
    expect([failures, socket.destroyed]).toEqual([[expect.objectContaining({ code: 'upstream_unavailable' })], true]);
  });
});
