import { Agent, request } from 'undici';
import type { EgressGuard } from './egress-guard.js';

export interface OutboundRequest {
  readonly url: string;
  readonly method?: 'GET' | 'POST';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
  /** For the whole exchange, name resolution and body included. */
  readonly timeoutMs?: number;
  /** A longer answer is refused, not cut. */
  readonly maxBytes?: number;
}

export interface OutboundAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
}

const TIMEOUT_MS = 5_000;
const MAX_BYTES = 1_048_576;

/** Small requests to places outside: key sets, discovery, token endpoints, webhooks. No grants, no redirects, bounded time and size. */
export class EgressClient {
  private readonly agent: Agent;

  constructor(private readonly guard: EgressGuard) {
    this.agent = new Agent({ connect: guard.connector({}, TIMEOUT_MS), connections: 8, pipelining: 1 });
  }

  /** The answer as it is, 3xx included. Throws AppError `egress_denied` for a place that may not be reached, other errors when it does not answer. */
  async request(what: OutboundRequest): Promise<OutboundAnswer> {
    this.guard.parse(what.url);
    const answer = await request(what.url, {
      dispatcher: this.agent,
      method: what.method ?? 'GET',
      headers: { ...what.headers },
      body: what.body ?? null,
      signal: AbortSignal.timeout(what.timeoutMs ?? TIMEOUT_MS),
    });
    const body = await readBounded(answer.body, what.maxBytes ?? MAX_BYTES);
    return { status: answer.statusCode, headers: answer.headers, body };
  }

  async close(): Promise<void> {
    await this.agent.destroy();
  }
}

async function readBounded(body: AsyncIterable<Buffer>, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > maxBytes) throw new Error(`the answer is longer than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
