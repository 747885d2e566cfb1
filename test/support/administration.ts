import { call, type TestAnswer, type TestApp } from './app.js';
import { created } from './fixtures.js';

/** Calls as somebody; answers as they come. */
export type Asker = (
  method: string,
  path: string,
  body?: unknown,
  headers?: Readonly<Record<string, string>>,
) => Promise<TestAnswer>;

/** An administrator with a fresh token of these capabilities, bound to zones when some are named. */
export async function administrator(
  app: TestApp,
  capabilities: readonly string[],
  zones?: readonly string[],
): Promise<Asker> {
  const { token } = await created(app, '/v1/admin-tokens', {
    name: capabilities.join(' '),
    capabilities,
    ...(zones ? { zones } : {}),
  });
  return (method, path, body, headers = {}) =>
    call(app.url, { method, path, body, headers: { authorization: `Bearer ${token}`, ...headers } });
}

/** The object at a path, and how to change it as it is now. */
export async function read(
  ask: Asker,
  path: string,
): Promise<{ readonly body: TestAnswer['body']; readonly match: { 'if-match': string } }> {
  const answer = await ask('GET', path);
  if (answer.status !== 200) throw new Error(`GET ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
  return { body: answer.body, match: { 'if-match': answer.headers.get('etag') ?? '' } };
}

/** Changes the object as it is now. */
export async function patch(ask: Asker, path: string, body: unknown): Promise<TestAnswer> {
  return ask('PATCH', path, body, (await read(ask, path)).match);
}

/** Archives the object as it is now. */
export async function archive(ask: Asker, path: string): Promise<TestAnswer> {
  return ask('DELETE', path, undefined, (await read(ask, path)).match);
}

/** Every item of a list, page by page. */
export async function all(ask: Asker, path: string, limit = 200): Promise<TestAnswer['body'][]> {
  const items: TestAnswer['body'][] = [];
  let cursor = '';
  do {
    const answer = await ask('GET', `${path}${path.includes('?') ? '&' : '?'}limit=${limit}${cursor}`);
    if (answer.status !== 200) throw new Error(`GET ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    items.push(...answer.body.items);
    cursor = answer.body.next_cursor === null ? '' : `&cursor=${answer.body.next_cursor}`;
  } while (cursor !== '');
  return items;
}

/** A resource that every rule accepts. */
export const soundResource = (slug: string, more: object = {}): object => ({
  slug,
  identifier: `https://${slug}.example/api`,
  upstream_url: 'http://127.0.0.1:9',
  enforcement: 'gateway',
  scopes: [{ name: 'read', description: 'Read' }, { name: 'write' }],
  operations: [{ method: 'GET', path: '/**', scope: 'read' }],
  ...more,
});
