import { describe, expect, it } from '@jest/globals';
import { SecondTry } from './second-try.js';
import type { AnswerSink } from './upstream-exchange.js';

class Recorder implements AnswerSink {
  readonly calls: string[] = [];
  mayGoOn = true;

  informational(status: number): void {
    this.calls.push(`informational ${status}`);
  }

  head(status: number): void {
    this.calls.push(`head ${status}`);
  }

  chunk(bytes: Buffer): boolean {
    this.calls.push(`chunk ${bytes.toString()}`);
    return this.mayGoOn;
  }

  end(): void {
    this.calls.push('end');
  }

  fail(error: Error): void {
    this.calls.push(`fail ${error.message}`);
  }
}

function scene(renew: () => Promise<(() => void) | undefined>) {
  const sink = new Recorder();
  const log: string[] = [];
  const tried = new SecondTry({
    sink,
    renew,
    discard: () => {
      log.push('discard');
      tried.fail(new Error('discarded'));
    },
    resume: () => log.push('resume'),
  });
  return { sink, log, tried };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

describe('an answer that may be tried again', () => {
  it('passes as it is when the credential was not refused', () => {
    const { sink, tried } = scene(() => Promise.reject(new Error('asked')));
    tried.informational(103, []);
    tried.head(200, 'OK', []);
    expect(tried.chunk(Buffer.from('a'))).toBe(true);
    tried.end([]);
    expect(sink.calls).toEqual(['informational 103', 'head 200', 'chunk a', 'end']);
  });

  it('is dropped for a second try with another credential, and nothing of it is seen', async () => {
    const { sink, log, tried } = scene(() => Promise.resolve(() => log.push('send')));
    tried.head(401, '', []);
    expect(tried.chunk(Buffer.from('no'))).toBe(false);
    await settled();
    tried.end([]);
    expect([log, sink.calls]).toEqual([['discard', 'send'], []]);
  });

  it.each<[string, () => Promise<undefined>]>([
    ['there is no other credential', () => Promise.resolve(undefined)],
    ['another one could not be asked for', () => Promise.reject(new Error('no'))],
  ])('goes through whole when %s', async (_, renew) => {
    const { sink, log, tried } = scene(renew);
    tried.head(401, '', []);
    tried.chunk(Buffer.from('why'));
    expect(sink.calls).toEqual([]);
    await settled();
    expect([sink.calls, log]).toEqual([['head 401', 'chunk why'], ['resume']]);
    tried.end([]);
    expect(sink.calls.at(-1)).toBe('end');
  });

  it('is not resumed for a caller that cannot take more', async () => {
    const { sink, log, tried } = scene(() => Promise.resolve(undefined));
    sink.mayGoOn = false;
    tried.head(401, '', []);
    tried.chunk(Buffer.from('long'));
    await settled();
    expect(log).toEqual([]);
  });

  it('[T3] ends at once when authority ends while a credential is asked for, and is not sent again', async () => {
    let answer: (send: () => void) => void = () => undefined;
    const { sink, log, tried } = scene(() => new Promise((resolve) => (answer = resolve)));
    tried.head(401, '', []);
    tried.fail(new Error('revoked'));
    answer(() => log.push('send'));
    await settled();
    expect([sink.calls, log]).toEqual([['fail revoked'], []]);
  });
});
