import { afterEach, describe, expect, it } from '@jest/globals';
import type { GatewayCode } from './domain/gateway-error.js';
import { type OpenCall, OpenCalls } from './open-calls.js';

type Verdict = Awaited<ReturnType<OpenCall['confirm']>>;

let now = 0;
const open = new OpenCalls(() => now);
afterEach(() => {
  now = 0;
});

function call(
  zone: string,
  verdict: () => Promise<Verdict>,
  endsAt = Number.POSITIVE_INFINITY,
): { readonly call: OpenCall; readonly cuts: GatewayCode[] } {
  const cuts: GatewayCode[] = [];
  return { call: { zone, endsAt, confirm: verdict, cut: (code) => cuts.push(code) }, cuts };
}

const lasting = (): Promise<Verdict> => Promise.resolve({ endsAt: 1_000_000 });
const lost = (): Promise<Verdict> => Promise.resolve({ lost: 'revoked' });

describe('[T3] OpenCalls', () => {
  it('cuts the calls of the zone that lost their authority, and only those', async () => {
    const [one, two, other] = [call('z', lost), call('z', lasting), call('y', lost)];
    const leave = [one, two, other].map(({ call: opened }) => open.watch(opened));
    await open.reconsider('z');
    expect([one.cuts, two.cuts, other.cuts]).toEqual([['revoked'], [], []]);
    leave.forEach((end) => end());
    expect(open.size).toBe(0);
  });

  it('ends every call when the process stops, whatever its authority', () => {
    const calls = [call('z', lasting), call('y', lasting)];
    // An aborted call leaves at once, while the others are still being told.
    const leave = calls.map(({ call: opened }) => open.watch(opened));
    const quick: OpenCall = { ...call('z', lasting).call, cut: () => leaveQuick() };
    const leaveQuick = open.watch(quick);
    open.stop();
    expect(calls.map(({ cuts }) => cuts)).toEqual([['overloaded'], ['overloaded']]);
    leave.forEach((end) => end());
    expect(open.size).toBe(0);
  });

  it('cuts a call of which nothing can be said', async () => {
    const one = call('z', () => Promise.reject(new Error('no database')));
    const leave = open.watch(one.call);
    await open.reconsider('z');
    expect(one.cuts).toEqual(['view_stale']);
    leave();
  });

  it('asks again when the authority should have ended: a renewed lease goes on, an ended one is cut', async () => {
    now = 10;
    let asked = 0;
    const ended = call('z', () => Promise.resolve({ endsAt: 10 }), 5);
    const renewed = call('z', () => Promise.resolve({ endsAt: (asked += 1) * 1_000 }), 5);
    const leave = [ended, renewed].map(({ call: opened }) => open.watch(opened));
    while (ended.cuts.length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
    expect([ended.cuts, renewed.cuts, asked]).toEqual([['invalid_token'], [], 1]);
    leave.forEach((end) => end());
    open.close();
  });
});
