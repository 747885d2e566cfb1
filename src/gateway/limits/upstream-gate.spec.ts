import { describe, expect, it } from '@jest/globals';
import { type UpstreamSign, UpstreamGate } from './upstream-gate.js';

async function call(gate: UpstreamGate, sign: UpstreamSign): Promise<unknown> {
  try {
    await gate.enter();
  } catch (error) {
    return error;
  }
  gate.leave(sign);
  return sign;
}

describe('[T8] UpstreamGate', () => {
  it('a dead upstream is left alone for a while, then asked by one call', async () => {
    let now = 0;
    const gate = new UpstreamGate({ most: 2, patienceMs: 10, now: () => now });
    for (let at = 0; at < 10; at += 1) expect(await call(gate, 'failed')).toBe('failed');
    expect(await call(gate, 'answered')).toMatchObject({ code: 'upstream_unavailable', retryAfter: 1 });
    now = 1_000;
    await gate.enter();
    expect(await call(gate, 'answered')).toMatchObject({ code: 'upstream_unavailable' });
    gate.leave('answered');
    expect(await call(gate, 'answered')).toBe('answered');
  });

  it('what is refused takes no place', async () => {
    const gate = new UpstreamGate({ most: 1, patienceMs: 10, now: () => 0 });
    for (let at = 0; at < 10; at += 1) await call(gate, 'failed');
    for (let at = 0; at < 5; at += 1)
      expect(await call(gate, 'failed')).toMatchObject({ code: 'upstream_unavailable' });
  });

  it('a full upstream is overloaded, and a call that never left says nothing about it', async () => {
    const gate = new UpstreamGate({ most: 1, patienceMs: 10, now: () => 0 });
    await gate.enter();
    expect(await call(gate, 'failed')).toMatchObject({ code: 'overloaded' });
    gate.leave(undefined);
    expect(await call(gate, 'answered')).toBe('answered');
  });
});
