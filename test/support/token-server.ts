import type { IncomingMessage } from 'node:http';
import { bodyOf, startUpstream, type Upstream } from './gateway-scene.js';

/** A request to the token or revocation endpoint, as it came. */
export interface TokenRequest {
  readonly path: string;
  readonly form: URLSearchParams;
  readonly headers: IncomingMessage['headers'];
}

/** What the endpoint answers: members of a token, a status with a body, or nothing at all (the connection is reset). */
export type TokenReply =
  object | { readonly status: number; readonly body: string | object; readonly headers?: object } | 'reset';

/** A token endpoint whose answers a test decides; it counts what it is asked. */
export interface TokenServer extends Upstream {
  readonly requests: TokenRequest[];
  /** Decides the next answers; the default issues `at-<n>`, valid for an hour. */
  answer: (request: TokenRequest, count: number) => TokenReply | Promise<TokenReply>;
  /** Forgets what was asked and answers as in the beginning. */
  reset(): void;
}

export async function startTokenServer(): Promise<TokenServer> {
  const requests: TokenRequest[] = [];
  let issued = 0;
  const usual = (): TokenReply => ({
    access_token: `at-${(issued += 1)}-secret`,
    token_type: 'Bearer',
    expires_in: 3_600,
  });
  const upstream = await startUpstream((request, response) => {
    void bodyOf(request).then(async (body) => {
      const asked = { path: request.url ?? '', form: new URLSearchParams(body.toString()), headers: request.headers };
      requests.push(asked);
      const reply = await server.answer(asked, requests.length);
      if (reply === 'reset') {
        request.socket.destroy();
        return;
      }
      const { status, body: text, headers = {} } = 'status' in reply ? reply : { status: 200, body: reply };
      response.writeHead(status, { 'content-type': 'application/json', ...headers });
      response.end(typeof text === 'string' ? text : JSON.stringify(text));
    });
  });
  const server: TokenServer = Object.assign(upstream, {
    requests,
    answer: usual,
    reset: () => {
      requests.length = 0;
      server.answer = usual;
    },
  });
  return server;
}

/** Resolves when `look` answers something; rejects when it does not in good time. */
export async function eventually<T>(look: () => Promise<T | undefined | false>, what: string): Promise<T> {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`it did not come about: ${what}`);
}
