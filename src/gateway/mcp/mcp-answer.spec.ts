import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import type { AnswerSink } from '../upstream/upstream-exchange.js';
import { withVisibleLists } from './domain/visible-lists.js';
import { type AnswerPlan, McpAnswer } from './mcp-answer.js';

const LIST = '{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"echo"},{"name":"delete"}]}}';
const REDUCED = '{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"echo"}],"cacheScope":"private"}}';
const reduce = (messages: unknown): unknown => withVisibleLists(messages, (_, name) => name === 'echo');
const json = (...more: string[]): string[] => ['content-type', 'application/json', ...more];

/** What a caller gets; `error` when the answer fails. */
interface Got {
  status?: number;
  headers: readonly string[];
  body: string;
  error?: Error;
}

async function answer(
  plan: AnswerPlan,
  headers: string[],
  chunks: readonly (string | Buffer)[],
  status = 200,
): Promise<Got> {
  const got: Got = { headers: [], body: '' };
  return new Promise((resolve) => {
    const inner: AnswerSink = {
      informational: () => undefined,
      head: (code, _text, fields) => Object.assign(got, { status: code, headers: fields }),
      chunk: (bytes) => {
        got.body += bytes.toString();
        return true;
      },
      end: () => resolve(got),
      fail: (error) => resolve({ ...got, error }),
    };
    const sink = new McpAnswer(inner, plan, { resume: () => undefined, cut: () => undefined });
    sink.head(status, 'OK', headers);
    for (const chunk of chunks) sink.chunk(Buffer.from(chunk));
    sink.end([]);
  });
}

describe('[T3] McpAnswer', () => {
  it.each<[string, string, (bytes: string) => Buffer]>([
    ['as it is', '', (text) => Buffer.from(text)],
    ['gzip', 'gzip', gzipSync],
    ['deflate', 'deflate', deflateSync],
    ['Brotli', 'br', brotliCompressSync],
  ])('reduces a list, %s, however it is cut', async (_, encoding, encode) => {
    const bytes = encode(LIST);
    const fields = encoding === '' ? [] : ['content-encoding', encoding];
    for (const size of [1, 7, bytes.length]) {
      const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_unused, at) =>
        bytes.subarray(at * size, (at + 1) * size),
      );
      const got = await answer({ reduce }, json(...fields, 'etag', '"x"', 'content-length', '9'), chunks);
      expect(got.body).toBe(REDUCED);
      expect(got.headers).toEqual(json('content-length', String(REDUCED.length)));
    }
  });

  it('leaves the bytes of what is no list as they are, and its header fields', async () => {
    const text = '{ "jsonrpc":"2.0", "id":1, "result":{"n":12345678901234567890, "m":1.0} }';
    const headers = json('etag', '"x"', 'content-length', String(text.length));
    expect(await answer({ reduce }, headers, [text])).toEqual({ status: 200, headers, body: text });
    const events = await answer({ reduce }, ['content-type', 'text/event-stream'], [`data: ${text}\n\n`]);
    expect(events.body).toBe(`data: ${text}\n\n`);
  });

  it('says a list that is hidden behind a second member of one name as it was judged', async () => {
    const twice = '{"id":1,"result":{"tools":[{"name":"delete"}]},"result":{}}';
    expect((await answer({ reduce }, json(), [twice])).body).toBe('{"id":1,"result":{}}');
  });

  it.each<[string, string[], string | Buffer]>([
    ['no JSON', json(), '{"result":'],
    ['not UTF-8', json(), Buffer.from([0x22, 0xff, 0x22])],
    ['two encodings', json('content-encoding', 'gzip, br'), 'x'],
    ['an event that is no message', ['content-type', 'text/event-stream'], 'data: x\n\n'],
    ['more than is held', json(), `"${'x'.repeat(8_388_608)}"`],
  ])('passes on nothing of %s', async (_, headers, chunk) => {
    const { error, body } = await answer({ reduce }, headers, [chunk]);
    expect(error?.message).toBe('upstream_unavailable');
    expect(body).toBe('');
  });

  it('[T8] says nothing more after an answer that it gave up', () => {
    const said: string[] = [];
    const inner = {
      head: (status: number) => void said.push(`head ${status}`),
      chunk: () => said.push('chunk') > 0,
      end: () => void said.push('end'),
      fail: (error: Error) => void said.push(error.message),
    } as unknown as AnswerSink;
    const sink = new McpAnswer(inner, { reduce }, { resume: () => undefined, cut: () => undefined });
    sink.head(200, 'OK', ['content-type', 'text/event-stream', 'content-encoding', 'x']);
    sink.chunk(Buffer.from('data: {}\n\n'));
    sink.end([]);
    expect(said).toEqual(['upstream_unavailable']);
  });

  it('passes events of other transports, and those that prime a stream', async () => {
    const text = 'id: 1\ndata: \n\nevent: endpoint\ndata: /messages?id=1\n\n';
    expect((await answer({ reduce }, ['content-type', 'text/event-stream'], [text])).body).toBe(text);
  });

  it('holds everything back until the session is bound, and back for good when it cannot be', async () => {
    const steps: string[] = [];
    const bindSession = async (id: string): Promise<void> => {
      await new Promise((resolve) => setTimeout(resolve, 5));
      steps.push(id);
    };
    const named = json('Mcp-Session-Id', 's1');
    expect(await answer({ bindSession }, named, ['a', 'b'])).toEqual({ status: 200, headers: named, body: 'ab' });
    expect(steps).toEqual(['s1']);
    const failing = { bindSession: () => Promise.reject(new Error('no database')) };
    const { error, status } = await answer(failing, named, ['a']);
    expect([error?.message, status]).toEqual(['upstream_unavailable', undefined]);
    const twice = await answer({ bindSession }, [...named, 'mcp_session_id', 's2'], ['a']);
    expect(twice.error?.message).toBe('upstream_unavailable');
  });
});
