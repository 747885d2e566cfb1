/** The official MCP client, unchanged: all it is told is the gateway's URL and a mandate. */
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';

export async function connectMcp(gatewayUrl, mandate) {
  const client = new Client({ name: 'caracal-demo', version: '1.0.0' });
  const errors = [];
  const listeners = new Set();
  client.onerror = (error) => {
    errors.push(error.message);
    for (const listener of listeners) listener(error);
  };
  const transport = new StreamableHTTPClientTransport(new URL(gatewayUrl), {
    requestInit: { headers: { authorization: `Bearer ${mandate}` } },
    reconnectionOptions: {
      initialReconnectionDelay: 100,
      maxReconnectionDelay: 100,
      reconnectionDelayGrowFactor: 1,
      maxRetries: 1,
    },
  });
  await client.connect(transport);
  return {
    client,
    errors,
    onError: (listener) => listeners.add(listener),
    close: () => client.close().catch(() => undefined),
  };
}

/**
 * Starts a tool that reports its progress for twenty seconds, calls `interrupt` after the second report, and resolves with what was seen
 * of the stream until it ended, or for three seconds after the interruption.
 */
export async function interruptedStream(mcp, interrupt) {
  const seen = { before: 0, after: 0, cutAfterMs: undefined, error: undefined };
  const abort = new AbortController();
  let interruptedAt;
  const cut = new Promise((resolve) => {
    mcp.onError((error) => {
      if (interruptedAt === undefined || seen.error !== undefined) return;
      seen.cutAfterMs = Math.round(performance.now() - interruptedAt);
      seen.error = error.message;
      resolve();
    });
  });
  const onprogress = () => {
    if (interruptedAt === undefined) seen.before += 1;
    else seen.after += 1;
    if (seen.before !== 2 || interruptedAt !== undefined) return;
    interruptedAt = performance.now();
    void interrupt();
  };
  const asked = { name: 'trigger-long-running-operation', arguments: { duration: 20, steps: 80 } };
  const done = mcp.client.callTool(asked, undefined, { onprogress, signal: abort.signal, timeout: 30_000 }).then(
    () => (seen.error = 'the operation came to its end'),
    (error) => (seen.error ??= error.message),
  );
  await Promise.race([cut, done, pause(8_000)]);
  await pause(600);
  abort.abort();
  await done;
  return seen;
}

function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
