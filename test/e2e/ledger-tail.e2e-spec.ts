import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { EventSource } from 'eventsource';
import { startTestApp, type TestApp } from '../support/app.js';
import { OAuthScene } from '../support/oauth-scene.js';

let app: TestApp;
let scene: OAuthScene;

beforeAll(async () => {
  app = await startTestApp();
  scene = await OAuthScene.open(app);
});

afterAll(() => app.close());

interface Seen {
  readonly id: string;
  readonly type: string;
}

function open(
  query: string,
  lastEventId?: string,
): { readonly source: EventSource; readonly seen: Seen[]; readonly ready: Promise<void> } {
  const headers = {
    authorization: `Bearer ${app.adminToken}`,
    ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }),
  };
  const source = new EventSource(`${app.url}/v1/zones/${scene.zone}/audit/events/stream${query}`, {
    fetch: (url, init) => fetch(url, { ...init, headers: { ...init.headers, ...headers } }),
  });
  const seen: Seen[] = [];
  source.onmessage = ({ lastEventId: id, data }) => seen.push({ id, type: JSON.parse(data as string).entry.type });
  const ready = new Promise<void>((resolve) => (source.onopen = () => resolve()));
  return { source, seen, ready };
}

async function until(holds: () => boolean): Promise<void> {
  for (let turn = 0; turn < 200 && !holds(); turn += 1) await new Promise((resolve) => setTimeout(resolve, 50));
  expect(holds()).toBe(true);
}

describe('the ledger as it grows', () => {
  it('comes to an ordinary event source: each entry once, in order, filtered, and goes on where it stopped', async () => {
    const { source, seen, ready } = open('?type=admin.applications.create');
    await ready;
    await new Promise((resolve) => setTimeout(resolve, 700));
    await scene.admin('POST', '/applications', { name: 'One' });
    await scene.admin('POST', '/providers', { name: 'Not asked for', kind: 'none', config: {} });
    await scene.admin('POST', '/applications', { name: 'Two' });
    await until(() => seen.length === 2);
    source.close();
    expect(new Set(seen.map(({ type }) => type))).toEqual(new Set(['admin.applications.create']));
    expect(Number(seen[1]?.id)).toBeGreaterThan(Number(seen[0]?.id));
    const again = open('?type=admin.applications.create', seen[0]?.id);
    await until(() => again.seen.length === 1);
    again.source.close();
    expect(again.seen).toEqual([seen[1]]);
  });

  it('is for tokens with audit that ask for an event stream', async () => {
    const url = `${app.url}/v1/zones/${scene.zone}/audit/events/stream`;
    expect((await fetch(url)).status).toBe(401);
    const authorization = `Bearer ${app.adminToken}`;
    expect((await fetch(url, { headers: { authorization } })).status).toBe(400);
    const headers = { authorization, accept: 'text/event-stream', 'last-event-id': 'x' };
    const bad = await fetch(url, { headers });
    expect(bad.status).toBe(400);
  });
});
