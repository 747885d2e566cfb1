import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { serve, type Upstream } from './gateway-scene.js';

/** An MCP server that speaks over its standard streams, served over HTTP: one process a session, messages passed as they are. */
export async function bridgeStdio(command: string, args: readonly string[]): Promise<Upstream> {
  const sessions = new Map<string, StreamableHTTPServerTransport>();
  const children = new Set<StdioClientTransport>();
  const open = async (): Promise<StreamableHTTPServerTransport> => {
    const child = new StdioClientTransport({ command, args: [...args], stderr: 'ignore' });
    const front: StreamableHTTPServerTransport = new StreamableHTTPServerTransport({
      sessionIdGenerator: () => randomUUID(),
      onsessioninitialized: (id) => void sessions.set(id, front),
    });
    child.onmessage = (message) => void front.send(message);
    front.onmessage = (message) => void child.send(message);
    await child.start();
    children.add(child);
    await front.start();
    return front;
  };
  const upstream = await serve(
    createServer((request, response) => {
      const id = request.headers['mcp-session-id'];
      void Promise.resolve(sessions.get(String(id)) ?? open()).then((front) => front.handleRequest(request, response));
    }),
  );
  return {
    ...upstream,
    close: async () => {
      await Promise.all([...children].map((child) => child.close()));
      await upstream.close();
    },
  };
}
