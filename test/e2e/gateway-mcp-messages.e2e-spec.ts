import type { ServerResponse } from 'node:http';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { startTestApp, type TestApp } from '../support/app.js';
import { type GatewayScene, openGateway } from '../support/gateway-scene.js';
import { ok } from '../support/oauth-scene.js';
import {
  type McpAnswer,
  gzipAnswer,
  type McpRequest,
  type McpUpstream,
  repliesTo,
  startMcpUpstream,
  readAnswer,
} from '../support/mcp-upstream.js';

let app: TestApp;
let server: McpUpstream;
let gateway: GatewayScene;
/** Holds `echo` only. */
let token: string;

beforeAll(async () => {
  app = await startTestApp();
  server = await startMcpUpstream();
  gateway = await openGateway(app, {
    upstream: server.url,
    scopes: ['echo', 'sum'],
    members: {
      mcp: true,
      operations: [
        { mcp_tool: 'echo', scope: 'echo' },
        { mcp_tool: 'sum', scope: 'sum' },
      ],
    },
  });
  token = await gateway.mandate({ scope: 'echo' });
});

beforeEach(() => {
  server.answer = undefined;
  server.seen.length = 0;
});

afterAll(async () => {
  await server.close();
  await app.close();
});

async function post(body: unknown, headers: Record<string, string> = {}, bearer = token): Promise<McpAnswer> {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const response = await gateway.get('', {
    token: bearer,
    method: 'POST',
    body: text,
    headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream', ...headers },
  });
  return readAnswer(response);
}

const rpc = (id: unknown, method: string, params?: object): object => ({ jsonrpc: '2.0', id, method, params });
const tool = (id: unknown, name: string): object => rpc(id, 'tools/call', { name, arguments: {} });

/** Writes the answer as one event in pieces of the given size, with the given line ends. */
function asEvents(lineEnd: string, size: number) {
  return ({ text }: McpRequest, response: ServerResponse): void => {
    const json = JSON.stringify(repliesTo(text), undefined, 1).split('\n');
    const event = [': hello', 'id: 7', 'event: message', ...json.map((line) => `data: ${line}`), '', ''].join(lineEnd);
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    const bytes = Buffer.from(event);
    for (let at = 0; at < bytes.length; at += size) response.write(bytes.subarray(at, at + size));
    response.end();
  };
}

describe('who may send what', () => {
  it.each(['initialize', 'ping', 'tools/list', 'prompts/list', 'resources/list', 'server/discover'])(
    '%s needs any held scope',
    async (method) => {
      expect((await post(rpc(1, method))).status).toBe(200);
      expect(server.seen).toHaveLength(1);
    },
  );

  it('a notification too, and the very bytes are forwarded', async () => {
    const text = '{ "jsonrpc":"2.0", "method" : "notifications/initialized" }';
    expect((await post(text)).status).toBe(202);
    expect(server.seen[0]?.text).toBe(text);
  });

  it('[T3] tools, prompts, resources and methods that are not declared are refused, and recorded with what they are', async () => {
    const requests = [
      tool(1, 'delete'),
      { jsonrpc: '2.0', method: 'tools/call', params: { name: 'delete' } },
      rpc(2, 'prompts/get', { name: 'greet' }),
      rpc(3, 'resources/read', { uri: 'file:///docs/a' }),
      rpc(4, 'resources/subscribe', { uri: 'file:///docs/a' }),
      rpc(5, 'completion/complete', { ref: { type: 'ref/prompt', name: 'greet' }, argument: {} }),
      rpc(6, 'subscriptions/listen', { notifications: { resourceSubscriptions: ['file:///docs/a'] } }),
      rpc(7, 'tasks/result', { taskId: 'x' }),
    ];
    const answers = await Promise.all(requests.map((request) => post(request)));
    expect(answers.map(({ status, body }) => [status, body.code])).toEqual(
      requests.map(() => [403, 'operation_not_permitted']),
    );
    expect(server.seen).toEqual([]);
    const entries = await gateway.scene.entries('type=gateway.request&reason=operation_not_permitted');
    expect(entries).toHaveLength(requests.length);
  });

  it.each<[string, Record<string, string>, string]>([
    ['the tool that the header fields mirror', { 'mcp-method': 'tools/call', 'mcp-name': 'sum' }, ', scope="sum"'],
    ['a tool whose name is encoded', { 'mcp-method': 'tools/call', 'mcp-name': '=?base64?c3Vt?=' }, ', scope="sum"'],
    ['a tool that is not declared', { 'mcp-method': 'tools/call', 'mcp-name': 'drop' }, ''],
    ['what any scope is enough for', { 'mcp-method': 'tools/list' }, ''],
    ['a body that nobody reads without a token', {}, ''],
  ])('a 401 for %s names its scope where that is known (RFC 6750 §3)', async (_name, headers, scope) => {
    const { status, headers: answered } = await post(tool(1, 'sum'), headers, 'unknown');
    const metadata = `${app.url}/.well-known/oauth-protected-resource/g/${gateway.scene.zone}/${gateway.resource.slug}`;
    expect([status, answered.get('www-authenticate')]).toEqual([
      401,
      `Bearer resource_metadata="${metadata}", error="invalid_token"${scope}`,
    ]);
  });

  it('[T3] a tool of another scope: 403 with the challenge that names it', async () => {
    const { status, headers } = await post(tool(1, 'sum'));
    expect([status, headers.get('caracal-error')]).toEqual([403, 'insufficient_scope']);
    expect(headers.get('www-authenticate')).toContain('error="insufficient_scope", scope="sum"');
    expect(server.seen).toEqual([]);
  });

  it('[T6] an allowed call is recorded with its method and tool', async () => {
    const { headers } = await post(tool(1, 'echo'));
    const index = Number(headers.get('authority-receipt')?.split('/')[1]);
    const [entry] = (await gateway.scene.entries('type=gateway.request')).filter((one) => one.index === index);
    expect(entry?.entry['operation']).toEqual({
      method: 'POST',
      path: '/',
      template: 'mcp:echo',
      mcp: { method: 'tools/call', tool: 'echo', arguments: { salt: expect.any(String), sha256: expect.any(String) } },
    });
  });

  it.each<[string, unknown, Record<string, string>]>([
    ['another media type', tool(1, 'echo'), { 'content-type': 'text/plain' }],
    ['another charset', tool(1, 'echo'), { 'content-type': 'application/json; charset=utf-16' }],
    ['a compressed body', tool(1, 'echo'), { 'content-encoding': 'gzip' }],
    [
      'a name in another member of the same name',
      '{"id":1,"method":"tools/call","params":{"name":"echo","\\u006eame":"sum"}}',
      {},
    ],
    ['a method in another case', '{"id":1,"method":"Tools/call","params":{"name":"sum"}}', {}],
    ['an id of another type', '{"id":{"$ne":1},"method":"ping"}', {}],
    ['an answer to nobody’s question', { jsonrpc: '2.0', id: 0, result: { action: 'accept' } }, {}],
    ['text that is no JSON', 'x', {}],
    ['a batch in a batch', `[[${JSON.stringify(tool(1, 'sum'))}]]`, {}],
  ])('[T3] refuses %s', async (_, body, headers) => {
    const answer = await post(body, headers);
    expect([answer.status, answer.headers.get('caracal-error')]).toEqual([400, 'invalid_request']);
    expect(server.seen).toEqual([]);
  });

  it('[T3] names with white space or look-alikes are other tools', async () => {
    for (const name of [' sum', 'sum ', 'SUM', 'ѕum', 'sum\u200b', 'echo\u0000', '*'])
      expect((await post(tool(1, name))).status).toBe(403);
    expect(server.seen).toEqual([]);
  });

  it('[T8] a message that is too long is 413', async () => {
    const long = await post(rpc(1, 'ping', { x: 'x'.repeat(4_200_000) }));
    expect([long.status, long.headers.get('caracal-error')]).toEqual([413, 'request_too_large']);
  });
});

describe('header fields that mirror the body (MCP 2026-07-28, “Server Validation”)', () => {
  const V = { 'mcp-protocol-version': '2026-07-28' };
  const meta = { 'io.modelcontextprotocol/protocolVersion': '2026-07-28' };

  it.each<[string, object, Record<string, string>]>([
    ['no version, no mirrors', tool(1, 'echo'), {}],
    ['mirrors of an older revision', tool(1, 'echo'), { 'mcp-method': 'tools/call', 'mcp-name': 'echo' }],
    ['all of them', tool(1, 'echo'), { ...V, 'mcp-method': 'tools/call', 'mcp-name': 'echo' }],
    ['an encoded name', tool(1, 'echo'), { ...V, 'mcp-method': 'tools/call', 'mcp-name': '=?base64?ZWNobw==?=' }],
    ['the version of the body', rpc(1, 'tools/list', { _meta: meta }), { ...V, 'mcp-method': 'tools/list' }],
  ])('agree: %s', async (_, body, headers) => {
    expect((await post(body, headers)).status).toBe(200);
    expect(server.seen[0]?.headers).toMatchObject(headers);
  });

  it.each<[string, object, Record<string, string>]>([
    ['another tool', tool(9, 'echo'), { ...V, 'mcp-method': 'tools/call', 'mcp-name': 'sum' }],
    ['another tool, older revision', tool(9, 'echo'), { 'mcp-name': 'sum' }],
    ['another method', tool(9, 'echo'), { ...V, 'mcp-method': 'ping', 'mcp-name': 'echo' }],
    ['a method in another case', tool(9, 'echo'), { ...V, 'mcp-method': 'TOOLS/CALL', 'mcp-name': 'echo' }],
    ['no method', tool(9, 'echo'), { ...V, 'mcp-name': 'echo' }],
    ['no name', tool(9, 'echo'), { ...V, 'mcp-method': 'tools/call' }],
    ['a name that is not in the body', rpc(9, 'tools/list'), { ...V, 'mcp-method': 'tools/list', 'mcp-name': 'echo' }],
    ['a broken encoding', tool(9, 'echo'), { ...V, 'mcp-method': 'tools/call', 'mcp-name': '=?base64?ZWNobw?=' }],
    [
      'another version',
      rpc(9, 'ping', { _meta: meta }),
      { 'mcp-protocol-version': '2025-11-25', 'mcp-method': 'ping' },
    ],
    ['a version in the body only', rpc(9, 'ping', { _meta: meta }), { 'mcp-method': 'ping' }],
    ['a second spelling', tool(9, 'echo'), { 'mcp-name': 'echo', mcp_name: 'sum' }],
  ])('[T3] disagree: %s is -32020 with status 400', async (_, body, headers) => {
    const answer = await post(body, headers);
    expect([answer.status, answer.headers.get('caracal-error')]).toEqual([400, 'invalid_request']);
    expect(answer.body).toMatchObject({ jsonrpc: '2.0', id: 9, error: { code: -32_020 } });
    expect(Object.keys(answer.body as object).sort()).toEqual(['error', 'id', 'jsonrpc']);
    expect(server.seen).toEqual([]);
  });
});

describe('lists', () => {
  it.each<[string, McpUpstream['answer']]>([
    ['JSON', undefined],
    ['compressed JSON', gzipAnswer],
    ['events', asEvents('\n', 1_000)],
    ['events in single bytes', asEvents('\n', 1)],
    ['events with CR LF', asEvents('\r\n', 7)],
    ['events with CR', asEvents('\r', 3)],
  ])('[T3] as %s show only what may be called, for this caller alone', async (_, answer) => {
    server.answer = answer;
    const { text, status } = await post(rpc(1, 'tools/list'));
    expect(status).toBe(200);
    const json = text.startsWith('{')
      ? text
      : text
          .split('\n')
          .find((line) => line.startsWith('data: '))
          ?.slice(6);
    expect(JSON.parse(json ?? '')).toEqual({
      jsonrpc: '2.0',
      id: 1,
      result: { tools: [{ name: 'echo' }], ttlMs: 1, cacheScope: 'private' },
    });
    expect(text).not.toContain('delete');
  });

  it('[T3] of prompts and resources that nothing opens are empty', async () => {
    const lists = {
      'prompts/list': 'prompts',
      'resources/list': 'resources',
      'resources/templates/list': 'resourceTemplates',
    };
    for (const [method, member] of Object.entries(lists))
      expect((await post(rpc(1, method))).body.result).toEqual({ [member]: [], cacheScope: 'private' });
  });

  it('keep their cursors', async () => {
    server.answer = (_request, response) =>
      void response
        .writeHead(200, { 'content-type': 'application/json' })
        .end('{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"delete"}],"nextCursor":"c"}}');
    expect((await post(rpc(1, 'tools/list', { cursor: 'b' }))).body.result).toEqual({
      tools: [],
      nextCursor: 'c',
      cacheScope: 'private',
    });
  });

  it.each<[string, McpUpstream['answer']]>([
    ['no JSON', (_, response) => void response.writeHead(200, { 'content-type': 'application/json' }).end('{"tools":')],
    [
      'an encoding nobody knows',
      (_, response) =>
        void response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'lzma' }).end('x'),
    ],
    [
      'a broken encoding',
      (_, response) =>
        void response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' }).end('xxxx'),
    ],
  ])('[T3] that cannot be judged are not passed on: %s', async (_, answer) => {
    server.answer = answer;
    const refused = await post(rpc(1, 'tools/list'));
    expect([refused.status, refused.headers.get('caracal-error')]).toEqual([502, 'upstream_unavailable']);
  });

  it('[T3] an event that is no message ends the stream', async () => {
    server.answer = (_request, response) =>
      void response
        .writeHead(200, { 'content-type': 'text/event-stream' })
        .end('data: {"result":{"tools":[{"name":"delete"}]}\n\n');
    await expect(post(rpc(1, 'tools/list'))).rejects.toThrow();
  });
});

describe('batches (2025-03-26)', () => {
  it('[T3] each message is decided on by itself: refused ones are -32001 in place, the others are forwarded as they were', async () => {
    const texts = [
      '{"jsonrpc":"2.0","id":"a","method":"tools/call","params":{"name":"delete"}}',
      '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"echo","arguments":{"n":12345678901234567890}}}',
      '{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"sum"}}',
      '{"jsonrpc":"2.0","id":3,"method":"tools/list"}',
      '{"jsonrpc":"2.0","method":"tools/call","params":{"name":"delete"}}',
    ];
    const { status, body, headers } = await post(`[${texts.join(' ,\n')}]`);
    expect(status).toBe(200);
    expect(server.seen.map(({ text }) => text)).toEqual([`[${texts[1]},${texts[3]}]`]);
    expect(body).toMatchObject([
      { id: 'a', error: { code: -32_001, data: { code: 'operation_not_permitted' } } },
      { id: 1, result: { content: [{ text: 'tools/call echo' }] } },
      { id: 2, error: { code: -32_001, data: { code: 'insufficient_scope', scope: 'sum' } } },
      { id: 3, result: { tools: [{ name: 'echo' }], cacheScope: 'private' } },
    ]);
    const first = Number(headers.get('authority-receipt')?.split('/')[1]);
    const entries = (await gateway.scene.entries('type=gateway.request')).filter(({ index }) => index >= first);
    const told = entries.map(({ entry }) => [
      (entry['operation'] as { mcp: { tool?: string } }).mcp.tool,
      entry['decision'],
    ]);
    expect(told.toSorted()).toEqual(
      [
        ['delete', 'deny'],
        ['delete', 'deny'],
        ['echo', 'allow'],
        ['sum', 'deny'],
        [undefined, 'allow'],
      ].toSorted(),
    );
  });

  it('[T3] nothing allowed: 403 with the challenge of all that it lacks, and no call', async () => {
    const { status, headers } = await post([tool(1, 'sum'), tool(2, 'sum')]);
    expect([status, headers.get('caracal-error')]).toEqual([403, 'insufficient_scope']);
    expect(headers.get('www-authenticate')).toContain('scope="sum"');
    expect(server.seen).toEqual([]);
  });

  it('all allowed: the very bytes, and the answer as it is', async () => {
    const text = `[ ${JSON.stringify(tool(1, 'echo'))}, ${JSON.stringify(rpc(2, 'ping'))} ]`;
    const { body } = await post(text);
    expect(server.seen[0]?.text).toBe(text);
    expect((body as { id: number }[]).map(({ id }) => id)).toEqual([1, 2]);
  });

  it('what is refused is said even when the server has nothing to say, and first on a stream', async () => {
    const batch = [{ jsonrpc: '2.0', method: 'notifications/initialized' }, tool(1, 'delete')];
    expect((await post(batch)).body).toMatchObject([{ id: 1, error: { code: -32_001 } }]);
    server.answer = asEvents('\n', 50);
    const { text } = await post([tool(1, 'delete'), tool(2, 'echo')]);
    const data = text.split('\n\n').map((event) => event.split('\n').filter((line) => line.startsWith('data: ')));
    const events = data
      .filter((lines) => lines.length > 0)
      .map((lines) => JSON.parse(lines.map((line) => line.slice(6)).join('\n')) as unknown);
    expect(events).toMatchObject([{ id: 1, error: { code: -32_001 } }, [{ id: 2 }]]);
  });

  it('[T3] count each message against a session’s budget; one that does not fit spends nothing of it', async () => {
    const { scene, client, resource } = gateway;
    const session = await scene.session(await scene.applicationToken(client), { max_calls: 2 });
    const fields = { resource: resource.gateway_url, scope: 'echo' };
    const bearer = ok(await scene.exchange(client, session.session_token, fields)).access_token as string;
    const echoes = (count: number) => Array.from({ length: count }, (_, at) => tool(at + 1, 'echo'));
    const refused = await post(echoes(3), {}, bearer);
    expect([refused.status, refused.body]).toEqual([403, expect.objectContaining({ reasons: ['budget_exhausted'] })]);
    expect(server.seen).toEqual([]);
    expect((await post(echoes(2), {}, bearer)).status).toBe(200);
    expect((await post(tool(1, 'echo'), {}, bearer)).status).toBe(403);
    expect(server.seen).toHaveLength(1);
  });
});

describe('sessions of the server (2025 revisions)', () => {
  let stranger: string;
  beforeAll(async () => {
    const other = await gateway.scene.client();
    await gateway.scene.grant(other, gateway.resource, ['echo']);
    const fields = { grant_type: 'client_credentials', resource: gateway.resource.gateway_url };
    stranger = await gateway.scene.applicationToken(other, fields);
  });

  const opens =
    (id: string): McpUpstream['answer'] =>
    (request, response) => {
      response.setHeader('mcp-session-id', id);
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(repliesTo(request.text)));
    };

  it('[T3] belong to the work that opened them: to others they do not exist', async () => {
    server.answer = opens('session-1');
    const opened = await post(rpc(1, 'initialize'));
    expect(opened.headers.get('mcp-session-id')).toBe('session-1');
    server.answer = undefined;
    server.seen.length = 0;
    const mine = { 'mcp-session-id': 'session-1' };
    const fresh = await gateway.mandate({ scope: 'echo' });
    expect((await post(tool(1, 'echo'), mine, fresh)).status).toBe(200);
    expect((await post({ jsonrpc: '2.0', id: 0, result: {} }, mine)).status).toBe(200);
    expect(server.seen.map(({ headers }) => headers['mcp-session-id'])).toEqual(['session-1', 'session-1']);
    const foreign = await post(tool(1, 'echo'), mine, stranger);
    expect([foreign.status, foreign.headers.get('caracal-error')]).toEqual([404, 'not_found']);
    for (const method of ['GET', 'DELETE']) {
      const answer = await gateway.get('', { token: stranger, method, headers: { ...mine, 'last-event-id': '1' } });
      expect([method, answer.status]).toEqual([method, 404]);
    }
    expect((await post(tool(1, 'echo'), { 'mcp-session-id': 'guessed' })).status).toBe(404);
    expect(server.seen).toHaveLength(2);
  });

  it('[T3] one session of the same application is not another’s', async () => {
    const start = async () => {
      const { session_token } = await gateway.scene.session(await gateway.scene.applicationToken(gateway.client));
      const exchanged = await gateway.scene.exchange(gateway.client, session_token, {
        resource: gateway.resource.gateway_url,
      });
      return (exchanged.body as { access_token: string }).access_token;
    };
    const [one, other] = [await start(), await start()];
    server.answer = opens('session-2');
    expect((await post(rpc(1, 'initialize'), {}, one)).status).toBe(200);
    server.answer = undefined;
    const session = { 'mcp-session-id': 'session-2' };
    expect((await post(tool(1, 'echo'), session, one)).status).toBe(200);
    expect((await post(tool(1, 'echo'), session, other)).status).toBe(404);
    expect((await post(tool(1, 'echo'), session)).status).toBe(404);
  });

  it('[T3] a server that names one caller’s session to another is not believed', async () => {
    server.answer = opens('session-3');
    expect((await post(rpc(1, 'initialize'))).status).toBe(200);
    const taken = await post(rpc(1, 'initialize'), {}, stranger);
    expect([taken.status, taken.headers.get('mcp-session-id')]).toEqual([502, null]);
  });

  it('[T3] a stream is resumed in a session only, and what it repeats of lists is reduced again', async () => {
    const without = await gateway.get('', { token, headers: { 'last-event-id': '1', accept: 'text/event-stream' } });
    expect(without.status).toBe(400);
    server.answer = opens('session-4');
    await post(rpc(1, 'initialize'));
    server.answer = (_request, response) =>
      void response
        .writeHead(200, { 'content-type': 'text/event-stream' })
        .end(
          'id: 1\ndata: \n\nid: 2\ndata: {"jsonrpc":"2.0","id":5,"result":{"tools":[{"name":"echo"},{"name":"delete"}]}}\n\n',
        );
    const headers = { 'last-event-id': '1', 'mcp-session-id': 'session-4', accept: 'text/event-stream' };
    const text = await (await gateway.get('', { token, headers })).text();
    expect(text).toBe(
      'id: 1\ndata: \n\nid: 2\ndata: {"jsonrpc":"2.0","id":5,"result":{"tools":[{"name":"echo"}],"cacheScope":"private"}}\n\n',
    );
    expect(server.seen.at(-1)?.headers['last-event-id']).toBe('1');
  });
});
