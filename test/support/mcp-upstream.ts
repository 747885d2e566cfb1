import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';
import { bodyOf, startUpstream, type Upstream } from './gateway-scene.js';

export interface McpRequest {
  readonly method: string;
  readonly headers: IncomingMessage['headers'];
  readonly text: string;
}

export type McpAnswering = (request: McpRequest, response: ServerResponse) => void;

/** An MCP server of a test's own: remembers what it was asked, answers as the test says. */
export interface McpUpstream extends Upstream {
  readonly seen: McpRequest[];
  /** Answers the next requests; undefined for {@link plainAnswer}. */
  answer: McpAnswering | undefined;
}

type Rpc = { readonly id?: unknown; readonly method?: string; readonly params?: { readonly name?: string } };

export const LISTED = {
  'tools/list': { tools: [{ name: 'echo' }, { name: 'sum' }, { name: 'delete' }], ttlMs: 1, cacheScope: 'public' },
  'prompts/list': { prompts: [{ name: 'greet' }, { name: 'secret' }] },
  'resources/list': { resources: [{ uri: 'file:///docs/a' }, { uri: 'file:///etc/passwd' }] },
  'resources/templates/list': { resourceTemplates: [{ uriTemplate: 'file:///docs/{x}' }, { uriTemplate: 'db://{x}' }] },
} as const;

/** What the server says to one message. */
export function replyTo({ id, method, params }: Rpc): object | undefined {
  if (id === undefined) return undefined;
  const listed = LISTED[method as keyof typeof LISTED] as object | undefined;
  return { jsonrpc: '2.0', id, result: listed ?? { content: [{ type: 'text', text: `${method} ${params?.name}` }] } };
}

/** As a server of 2025-03-26 does: a list of answers to a list of requests. */
export function repliesTo(text: string): unknown {
  const message = JSON.parse(text) as Rpc | readonly Rpc[];
  if (!Array.isArray(message)) return replyTo(message as Rpc);
  const replies = (message as readonly Rpc[]).map(replyTo).filter((reply) => reply !== undefined);
  return replies.length === 0 ? undefined : replies;
}

export function plainAnswer(request: McpRequest, response: ServerResponse): void {
  const replies = request.method === 'POST' ? repliesTo(request.text) : {};
  if (replies === undefined) return void response.writeHead(202).end();
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(replies));
}

export function gzipAnswer(request: McpRequest, response: ServerResponse): void {
  const body = gzipSync(JSON.stringify(repliesTo(request.text)));
  const headers = { 'content-type': 'application/json', 'content-encoding': 'gzip', etag: '"x"' };
  response.writeHead(200, { ...headers, 'content-length': body.length }).end(body);
}

export async function startMcpUpstream(): Promise<McpUpstream> {
  const said: Pick<McpUpstream, 'seen' | 'answer'> = { seen: [], answer: undefined };
  const listener: RequestListener = (request, response) => {
    void bodyOf(request).then((body) => {
      const asked = { method: request.method ?? '', headers: request.headers, text: body.toString() };
      said.seen.push(asked);
      (said.answer ?? plainAnswer)(asked, response);
    });
  };
  return Object.assign(said, await startUpstream(listener));
}

/** An answer that came through the gateway, whole. */
export interface McpAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- answers of many shapes; the tests assert them
  readonly body: any;
}

export async function readAnswer(response: Response): Promise<McpAnswer> {
  const text = await response.text();
  const isJson = /json/.test(response.headers.get('content-type') ?? '');
  return {
    status: response.status,
    headers: response.headers,
    text,
    body: isJson && text !== '' ? (JSON.parse(text) as unknown) : undefined,
  };
}
