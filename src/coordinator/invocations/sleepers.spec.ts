import { describe, expect, it } from '@jest/globals';
import { Sleepers } from './sleepers.js';

const LONG = 60_000;
const never = new AbortController().signal;

describe('those who wait', () => {
  it('are woken by what happened since they prepared, in their zone only', async () => {
    const sleepers = new Sleepers();
    const sleep = sleepers.prepare('a');
    sleepers.wake('a');
    await sleep.atMost(LONG, never);
    let woken = false;
    const other = sleepers
      .prepare('b')
      .atMost(LONG, never)
      .then(() => (woken = true));
    sleepers.wake('a');
    await new Promise((done) => setImmediate(done));
    expect(woken).toBe(false);
    sleepers.wake('b');
    await other;
    expect(sleepers.size).toBe(0);
  });

  it('go on when their time is over, when their caller has gone, and when all is closed', async () => {
    const sleepers = new Sleepers();
    await sleepers.prepare('a').atMost(1, never);
    const gone = new AbortController();
    const left = sleepers.prepare('a').atMost(LONG, gone.signal);
    gone.abort();
    await left;
    await sleepers.prepare('a').atMost(LONG, gone.signal);
    const open = sleepers.prepare('a').atMost(LONG, never);
    sleepers.close();
    await open;
    await sleepers.prepare('a').atMost(LONG, never);
    expect(sleepers.size).toBe(0);
    expect(sleepers.open).toBe(false);
  });

  it('leave nothing behind when they do not sleep after all', () => {
    const sleepers = new Sleepers();
    sleepers.prepare('a').cancel();
    expect(sleepers.size).toBe(0);
  });
});
