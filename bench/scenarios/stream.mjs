/** One long answer through the gateway and through the bare proxy; the server's memory is looked at meanwhile. */
import { mandateOf, startSession } from '../environment.mjs';
import { residentBytes } from '../memory.mjs';
import { median } from '../measure.mjs';
import { runLoad } from '../run-load.mjs';

async function download(target, bytes) {
  const result = await runLoad('download', target);
  if (result.status !== 200 || result.bytes !== bytes)
    throw new Error(`stream: status ${result.status}, ${result.bytes} of ${bytes} bytes`);
  return bytes / (result.ms / 1_000);
}

export async function stream(env, { rounds, streamBytes }) {
  const path = `/stream?bytes=${streamBytes}`;
  const speeds = { gateway: [], proxy: [] };
  const before = await residentBytes(env.server.pid);
  let peak = before;
  const watch = setInterval(() => void residentBytes(env.server.pid).then((now) => (peak = Math.max(peak, now))), 100);
  try {
    for (let round = 0; round < rounds; round += 1) {
      const mandate = await mandateOf(env, await startSession(env));
      const headers = { authorization: `Bearer ${mandate}` };
      speeds.gateway.push(await download({ url: `${env.resource.gateway_url}${path}`, headers }, streamBytes));
      speeds.proxy.push(await download({ url: `${env.proxy}${path}` }, streamBytes));
    }
  } finally {
    clearInterval(watch);
  }
  const [gateway, proxy] = [median(speeds.gateway) / 2 ** 20, median(speeds.proxy) / 2 ** 20];
  return {
    title: `gateway stream, ${streamBytes / 2 ** 20} MiB`,
    value: gateway,
    unit: 'MiB/s',
    ruler: 'bare undici proxy',
    rulerValue: proxy,
    ratio: gateway / proxy,
    goal: { ratio: 0.9 },
    note: `server RSS ${Math.round(before / 2 ** 20)} → at most ${Math.round(peak / 2 ** 20)} MiB`,
    rounds: speeds,
  };
}
