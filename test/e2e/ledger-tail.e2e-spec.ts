import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { EventSource } from 'eventsource';
import { startTestApp, type TestApp } from '../support/app.js';
import { created, OAuthScene } from '../support/oauth-scene.js';

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

const streamUrl = ({ zone } = scene): string => `${app.url}/v1/zones/${zone}/audit/events/stream`;

const reading = (token: string) => ({ authorization: `Bearer ${token}`, accept: 'text/event-stream' });

const auditor = async (): Promise<{ id: string; token: string }> =>
  created(await app.admin('POST', '/v1/admin-tokens', { name: 'siem', capabilities: ['audit'], zones: [scene.zone] }));

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

  it('[T12] ends with the token that reads it', async () => {
    const token = await auditor();
    const stream = await fetch(streamUrl(), { headers: reading(token.token) });
    expect(stream.status).toBe(200);
    const read = stream.text();
    expect((await app.admin('DELETE', `/v1/admin-tokens/${token.id}`)).status).toBe(204);
    expect(await read).toMatch(/^retry: 1000\n\n/);
    expect((await fetch(streamUrl(), { headers: reading(token.token) })).status).toBe(401);
  });

  it.each(['limit=2', 'cursor=3', 'to=4', 'until=2030-01-31T12:00:00Z', 'since=0000-01-01T00:00:00Z'])(
    'refuses what it would not do: %s',
    async (query) => {
      const answer = await fetch(`${streamUrl()}?${query}`, { headers: reading(app.adminToken) });
      expect(await answer.json()).toMatchObject({ status: 400, code: 'invalid_request' });
    },
  );

  it('[T8] leaves room for the readers of other zones', async () => {
    const ends: AbortController[] = [];
    const open = async (scope: OAuthScene): Promise<number> => {
      const end = new AbortController();
      ends.push(end);
      return (await fetch(streamUrl(scope), { headers: reading(app.adminToken), signal: end.signal })).status;
    };
    const statuses: number[] = [];
    for (let n = 0; n < 17; n += 1) statuses.push(await open(scene));
    const other = await open(await OAuthScene.open(app));
    for (const end of ends) end.abort();
    expect([statuses.slice(0, 16).every((status) => status === 200), statuses[16], other]).toEqual([true, 429, 200]);
  });
});
