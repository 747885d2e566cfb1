import { basicCredentials } from './basic-credentials.js';

export interface RuntimeClientOptions {
  /** The zone's issuer, `{base}/z/{zone}`. */
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly fetch?: typeof fetch;
  readonly now?: () => number;
}

/** A session of an agent. Its token starts children and obtains mandates. */
export interface RuntimeSession {
  readonly id: string;
  readonly sessionToken: string;
}

export interface MandateRequest {
  /** Gateway URLs or identifiers of resources. */
  readonly resources: readonly string[];
  /** All that may be held when omitted. */
  readonly scope?: string;
  readonly delegation?: string;
  readonly approval?: string;
  readonly lifetimeSeconds?: number;
}

export interface ObtainedMandate {
  readonly token: string;
  readonly type: 'Bearer' | 'DPoP';
  readonly expiresAt: number;
  readonly scope: string;
}

/** What the server refused, in its own words. */
export class RuntimeError extends Error {
  override readonly name = 'RuntimeError';

  constructor(
    readonly status: number,
    readonly code: string,
    /** The whole answer: `reason`, `missing_scope`, `approval` and what else there is. */
    readonly answer: Readonly<Record<string, unknown>>,
  ) {
    super(`${status} ${code}`);
  }
}

const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';
const RENEW_MS = 30_000;
const TIMEOUT_MS = 30_000;

/** An application's way to sessions and mandates: plain OAuth (RFC 6749 §4.4, RFC 8693) and the runtime API. */
export class RuntimeClient {
  private readonly fetch: typeof fetch;
  private readonly now: () => number;
  private known: { readonly token: string; readonly expiresAt: number } | undefined;
  private running: Promise<string> | undefined;

  constructor(private readonly options: RuntimeClientOptions) {
    this.fetch = options.fetch ?? fetch;
    this.now = options.now ?? Date.now;
  }

  /** The application's token; asked for once for all who need it, and again shortly before it expires. */
  applicationToken(): Promise<string> {
    const { known } = this;
    if (known && known.expiresAt - RENEW_MS > this.now()) return Promise.resolve(known.token);
    this.running ??= this.requestToken().finally(() => (this.running = undefined));
    return this.running;
  }

  /** Starts a session; `parent`'s token makes it a child of that one. */
  async startSession(body: Readonly<Record<string, unknown>> = {}, parent?: RuntimeSession): Promise<RuntimeSession> {
    const bearer = parent?.sessionToken ?? (await this.applicationToken());
    const started = await this.runtime('POST', '/sessions', bearer, { lifecycle: 'task', ...body });
    return { id: String(started['id']), sessionToken: String(started['session_token']) };
  }

  /** A fresh token of the session. */
  async refreshSession({ id }: RuntimeSession): Promise<RuntimeSession> {
    const path = `/sessions/${encodeURIComponent(id)}/token`;
    const refreshed = await this.runtime('POST', path, await this.applicationToken(), {});
    return { id, sessionToken: String(refreshed['session_token']) };
  }

  async terminateSession({ id }: RuntimeSession, reason?: string): Promise<void> {
    const path = `/sessions/${encodeURIComponent(id)}/terminate`;
    await this.runtime('POST', path, await this.applicationToken(), reason === undefined ? {} : { reason });
  }

  /** Exchanges the session's token for a mandate (RFC 8693). A hold rejects with `authorization_pending` and `answer.approval`. */
  async mandate(session: RuntimeSession, request: MandateRequest): Promise<ObtainedMandate> {
    const { resources, scope, delegation, approval, lifetimeSeconds } = request;
    const form = new URLSearchParams({
      grant_type: EXCHANGE,
      subject_token: session.sessionToken,
      subject_token_type: ACCESS_TOKEN,
    });
    for (const resource of resources) form.append('resource', resource);
    const optional = { scope, delegation, approval, lifetime: lifetimeSeconds?.toString() };
    for (const [name, value] of Object.entries(optional)) if (value !== undefined) form.set(name, value);
    const answer = await this.token(form);
    return {
      token: String(answer['access_token']),
      type: answer['token_type'] === 'DPoP' ? 'DPoP' : 'Bearer',
      expiresAt: this.now() + Number(answer['expires_in']) * 1_000,
      scope: String(answer['scope']),
    };
  }

  private async requestToken(): Promise<string> {
    const answer = await this.token(new URLSearchParams({ grant_type: 'client_credentials' }));
    const token = String(answer['access_token']);
    this.known = { token, expiresAt: this.now() + Number(answer['expires_in']) * 1_000 };
    return token;
  }

  private token(body: URLSearchParams): Promise<Readonly<Record<string, unknown>>> {
    const { issuer, clientId, clientSecret } = this.options;
    const authorization = basicCredentials(clientId, clientSecret);
    return this.send(`${issuer}/oauth2/token`, { method: 'POST', headers: { authorization }, body });
  }

  private runtime(
    method: string,
    path: string,
    bearer: string,
    body: object,
  ): Promise<Readonly<Record<string, unknown>>> {
    const headers = { authorization: `Bearer ${bearer}`, 'content-type': 'application/json' };
    return this.send(`${this.options.issuer}${path}`, { method, headers, body: JSON.stringify(body) });
  }

  private async send(url: string, init: RequestInit): Promise<Readonly<Record<string, unknown>>> {
    const answer = await this.fetch(url, { ...init, redirect: 'error', signal: AbortSignal.timeout(TIMEOUT_MS) });
    const body = (await answer.json().catch(() => ({}))) as Readonly<Record<string, unknown>>;
    if (answer.ok) return body;
    const code = [body['error'], body['code']].find((value) => typeof value === 'string');
    throw new RuntimeError(answer.status, code ?? 'unknown', body);
  }
}
