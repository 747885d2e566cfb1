/** `tools/call` of an MCP server that we did not write, through the gateway and directly: what a decision, an entry and the reading of the message add. */
import { startMcpServer } from '../../examples/demo/upstreams.mjs';
import { mandateOf, startSession } from '../environment.mjs';
import { latencies, throughputs } from '../measure.mjs';

const HEADERS = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' };
const VERSION = '2025-11-25';

async function post(url, headers, message) {
  const answer = await fetch(url, {
    method: 'POST',
    headers: { ...HEADERS, ...headers },
    body: JSON.stringify(message),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${message.method}: ${answer.status} ${text}`);
  return answer;
}

/** A session of the server, opened as clients do it, and the call that is measured in it. */
async function toolCall(url, headers) {
  const client = { protocolVersion: VERSION, capabilities: {}, clientInfo: { name: 'bench', version: '1' } };
  const opened = await post(url, headers, { jsonrpc: '2.0', id: 0, method: 'initialize', params: client });
  const session = {
    ...headers,
    'mcp-session-id': opened.headers.get('mcp-session-id'),
    'mcp-protocol-version': VERSION,
  };
  await post(url, session, { jsonrpc: '2.0', method: 'notifications/initialized' });
  const params = { name: 'get-sum', arguments: { a: 19, b: 23 } };
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params });
  return { url, method: 'POST', headers: { ...HEADERS, ...session }, body };
}

async function protect(env, upstream) {
  const at = `/zones/${env.zone.slug}`;
  const provider = await env.admin.create(`${at}/providers`, { name: 'nothing', kind: 'none', config: {} });
  const resource = await env.admin.create(`${at}/resources`, {
    slug: 'tools',
    identifier: 'https://tools.bench.example/',
    upstream_url: upstream,
    enforcement: 'gateway',
    mcp: true,
    scopes: [{ name: 'tools:call', description: 'call' }],
    operations: [{ mcp_tool: 'get-sum', scope: 'tools:call' }],
    provider: provider.id,
  });
  await env.admin.create(`${at}/grants`, {
    application: env.client.client_id,
    resource: resource.id,
    scopes: ['tools:call'],
  });
  return resource;
}

export async function mcp(env, options) {
  const server = await startMcpServer();
  const upstream = `${server.url}/mcp`;
  const resource = await protect(env, upstream);
  const targets = {
    subject: async () => {
      const mandate = await mandateOf({ ...env, resource }, await startSession(env));
      return toolCall(resource.gateway_url, { authorization: `Bearer ${mandate}` });
    },
    ruler: () => toolCall(upstream, {}),
  };
  const closed = await throughputs(targets, options);
  const rate = Math.min(closed.subject.perSecond, closed.ruler.perSecond) / 2;
  const open = await latencies(targets, rate, options);
  const added = { p50: open.subject.p50 - open.ruler.p50, p99: open.subject.p99 - open.ruler.p99 };
  return {
    title: 'MCP tools/call',
    value: closed.subject.perSecond,
    unit: '/s',
    ruler: 'server-everything, direct',
    rulerValue: closed.ruler.perSecond,
    ratio: closed.subject.perSecond / closed.ruler.perSecond,
    goal: { addedP50: 2 },
    latency: { rate, subject: open.subject, ruler: open.ruler, added },
    rounds: { subject: closed.subject.rounds, ruler: closed.ruler.rounds },
  };
}
