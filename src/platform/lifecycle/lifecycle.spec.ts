import { EventEmitter } from 'node:events';
import { afterEach, describe, it, expect } from '@jest/globals';
import { AppError } from '../../kernel/app-error.js';
import { StartError } from '../../kernel/start-error.js';
import { createLogger, type AppLogger } from '../logging/index.js';
import { inTurn, Shutdown, startFaults } from './index.js';

const EVENTS = ['SIGTERM', 'SIGINT', 'uncaughtException', 'unhandledRejection'];
const emitter: EventEmitter = process;
const before = new Map(EVENTS.map((event) => [event, emitter.listeners(event)]));
const logged: string[] = [];
const log: AppLogger = createLogger({ log: { level: 'info' } }, { write: (line) => logged.push(line) });

afterEach(() => {
  for (const event of EVENTS) {
    for (const listener of emitter.listeners(event)) {
      if (!before.get(event)?.includes(listener)) emitter.removeListener(event, listener as () => void);
    }
  }
  logged.length = 0;
});

/** What the shutdown under test has hung on an event, called as the process would. */
function raise(event: string, value: unknown): void {
  const own = emitter.listeners(event).filter((listener) => !before.get(event)?.includes(listener));
  own.forEach((listener) => void (listener as (value: unknown) => void)(value));
}

function build(
  clock = { now: 0 },
  patienceMs?: number,
): { shutdown: Shutdown; codes: number[]; closed: string[]; exited: Promise<number> } {
  const codes: number[] = [];
  const closed: string[] = [];
  let tell: (code: number) => void;
  const exited = new Promise<number>((resolve) => (tell = resolve));
  const shutdown = new Shutdown(
    (code) => {
      codes.push(code);
      tell(code);
    },
    () => clock.now,
    patienceMs,
  );
  return { shutdown, codes, closed, exited };
}

describe('the end of the process', () => {
  it.each(['SIGTERM', 'SIGINT'])('on %s closes what was opened last first, then exits with 0', async (signal) => {
    const { shutdown, closed, exited } = build();
    shutdown.listen(log);
    for (const name of ['database', 'app']) await shutdown.add(async () => void closed.push(name));
    raise(signal, signal);
    expect(await exited).toBe(0);
    expect(closed).toEqual(['app', 'database']);
  });

  it('does not wait any longer when it is told again, but takes one wish that arrives twice as one', async () => {
    const clock = { now: 5_000 };
    const { shutdown, codes } = build(clock, 200);
    shutdown.listen(log);
    await shutdown.add(() => new Promise(() => undefined));
    raise('SIGINT', 'SIGINT');
    raise('SIGINT', 'SIGINT');
    expect(codes).toEqual([]);
    clock.now += 1_001;
    raise('SIGTERM', 'SIGTERM');
    expect(codes).toEqual([1]);
  });

  it('closes the rest when one thing does not close, and does not call it clean', async () => {
    const { shutdown, closed, exited } = build();
    shutdown.listen(log);
    await shutdown.add(async () => void closed.push('database'));
    await shutdown.add(() => Promise.reject(new Error('stuck')));
    void shutdown.end(0);
    expect(await exited).toBe(1);
    expect(closed).toEqual(['database']);
    expect(logged.join('')).toContain('stuck');
  });

  it('[T8] does not wait for ever for what does not close, and closes the rest', async () => {
    const { shutdown, closed, exited } = build({ now: 0 }, 20);
    shutdown.listen(log);
    await shutdown.add(async () => void closed.push('database'));
    await shutdown.add(() => new Promise(() => undefined));
    void shutdown.end(0);
    expect(await exited).toBe(1);
    expect(closed).toEqual(['database']);
    expect(logged.join('')).toContain('could not be closed in order');
  });

  it('closes at once what is opened while the end is under way', async () => {
    const { shutdown, closed, exited } = build();
    void shutdown.end(0);
    await shutdown.add(async () => void closed.push('late'));
    expect(await exited).toBe(0);
    expect(closed).toEqual(['late']);
  });

  it.each(['uncaughtException', 'unhandledRejection'])(
    'on %s closes, exits with 1 and [T5] logs the error redacted',
    async (event) => {
      const { shutdown, closed, exited } = build();
      shutdown.listen(log);
      await shutdown.add(async () => void closed.push('database'));
      raise(event, new Error('postgres://app:canary@db/x'));
      expect(await exited).toBe(1);
      expect(closed).toEqual(['database']);
      expect(logged.join('')).toContain('"level":"fatal"');
      expect(logged.join('')).not.toContain('canary');
    },
  );
});

describe('a start that failed', () => {
  it('tells each fault of the operator on a line', () => {
    expect(startFaults(new StartError(['one', 'two']))).toEqual(['one', 'two']);
  });

  it('tells what the system refused, without a stack', () => {
    const refused = Object.assign(new Error('listen EADDRINUSE: address already in use 127.0.0.1:8080'), {
      code: 'EADDRINUSE',
    });
    expect(startFaults(refused)).toEqual([`caracal could not start: ${refused.message}`]);
    const both = new AggregateError([
      refused,
      Object.assign(new Error('connect'), { code: 'ECONNREFUSED', cause: 'x' }),
    ]);
    expect(startFaults(both)).toEqual([`caracal could not start: ${refused.message}; connect: x`]);
  });

  it('[T5] tells any other error without its secrets', () => {
    expect(startFaults(new Error('connect postgres://app:canary@db/x')).join()).toMatch(
      /^caracal could not start: Error: connect postgres:\/\/app:\[redacted\]@db/,
    );
    expect(startFaults(new Error('x', { cause: new Error('password=canary') })).join()).not.toContain('canary');
    expect(startFaults('odd')).toEqual(['caracal could not start: odd']);
  });
});

describe('work that is done for one item after the other', () => {
  const work = (done: string[], faults: Readonly<Record<string, Error>>) => async (item: string) => {
    if (faults[item]) throw faults[item];
    done.push(item);
  };

  it('[T8] is done for all the others when it fails for one, whose fault is told at the end', async () => {
    const [done, fault]: [string[], Error] = [[], new Error('of b')];
    await expect(inTurn(['a', 'b', 'c'], work(done, { b: fault }))).rejects.toBe(fault);
    expect(done).toEqual(['a', 'c']);
    const both = inTurn(['a', 'b', 'c'], work(done, { a: fault, b: fault }));
    await expect(both).rejects.toMatchObject({ errors: [fault, fault] });
    await inTurn(['a', 'b'], work(done, {}));
    expect(done).toEqual(['a', 'c', 'c', 'a', 'b']);
  });

  it('[T8] goes on when the statement of one of them took too long', async () => {
    const cause = Object.assign(new Error('canceling statement due to statement timeout'), { code: '57014' });
    const [done, slow]: [string[], Error] = [[], new AppError('temporarily_unavailable', 'Not now.', { cause })];
    await expect(inTurn(['a', 'b', 'c'], work(done, { b: slow }))).rejects.toBe(slow);
    expect(done).toEqual(['a', 'c']);
  });

  it('ends at once when what all of them need is out of reach', async () => {
    const [done, away]: [string[], Error] = [[], new AppError('temporarily_unavailable', 'Not now.')];
    await expect(inTurn(['a', 'b', 'c'], work(done, { b: away }))).rejects.toBe(away);
    expect(done).toEqual(['a']);
  });
});
