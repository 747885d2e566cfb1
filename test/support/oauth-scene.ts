import { call, type TestAnswer, type TestApp, unique } from './app.js';

/** The server that a scene plays on. */
export type SceneServer = Pick<TestApp, 'url' | 'admin'>;

export const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
export const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';

export interface SceneResource {
  readonly id: string;
  readonly slug: string;
  readonly identifier: string;
  readonly gateway_url: string;
}

export interface SceneClient {
  readonly id: string;
  readonly secret: string;
}

type Fields = Readonly<Record<string, string | readonly string[]>>;

/** One zone made over the administration API, and a client of its OAuth endpoints. */
export class OAuthScene {
  private constructor(
    readonly app: SceneServer,
    readonly zone: string,
  ) {}

  static async open(app: SceneServer): Promise<OAuthScene> {
    const slug = unique('zone');
    created(await app.admin('POST', '/v1/zones', { slug, name: slug }));
    return new OAuthScene(app, slug);
  }

  get issuer(): string {
    return `${this.app.url}/z/${this.zone}`;
  }

  admin(method: string, path: string, body?: unknown, headers?: Readonly<Record<string, string>>): Promise<TestAnswer> {
    return this.app.admin(method, `/v1/zones/${this.zone}${path}`, body, headers);
  }

  async client(members: object = {}): Promise<SceneClient> {
    const application = created(await this.admin('POST', '/applications', { name: unique('app'), ...members }));
    const credential = created(
      await this.admin('POST', `/applications/${application.id}/credentials`, { type: 'client_secret' }),
    );
    return { id: application.id, secret: credential.client_secret };
  }

  async resource(scopes: readonly string[], members: object = {}): Promise<SceneResource> {
    const provider = created(
      await this.admin('POST', '/providers', { name: unique('provider'), kind: 'none', config: {} }),
    );
    const slug = unique('res');
    const body = {
      slug,
      identifier: `https://${slug}.example/api`,
      upstream_url: 'http://127.0.0.1:9',
      enforcement: 'gateway',
      scopes: scopes.map((name) => ({ name, description: name })),
      operations: [{ method: 'GET', path: '/**', scope: scopes[0] }],
      provider: provider.id,
      ...members,
    };
    return created(await this.admin('POST', '/resources', body)) as SceneResource;
  }

  async grant(
    client: SceneClient,
    resource: SceneResource,
    scopes: readonly string[],
    members: object = {},
  ): Promise<string> {
    const body = { application: client.id, resource: resource.id, scopes, ...members };
    return created(await this.admin('POST', '/grants', body)).id;
  }

  /** A form to one of the OAuth endpoints; with a client, authenticated by Basic. */
  oauth(
    endpoint: string,
    fields: Fields,
    client?: SceneClient,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<TestAnswer> {
    const authorization = client ? { authorization: basic(client) } : {};
    return this.form(endpoint, encode(fields), { ...authorization, ...headers });
  }

  async form(endpoint: string, body: string, headers: Readonly<Record<string, string>> = {}): Promise<TestAnswer> {
    const response = await fetch(`${this.issuer}/oauth2/${endpoint}`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
      body,
    });
    const text = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      body: text === '' ? '' : (JSON.parse(text) as unknown),
    };
  }

  async applicationToken(client: SceneClient, fields: Fields = {}): Promise<string> {
    return ok(await this.oauth('token', { grant_type: 'client_credentials', ...fields }, client)).access_token;
  }

  /** Starts a session with an application or session token. */
  async session(token: string, body: object = {}): Promise<{ id: string; session_token: string }> {
    return created(await this.runtime('POST', '/sessions', token, { lifecycle: 'task', ...body }));
  }

  runtime(method: string, path: string, token: string, body?: unknown, headers = {}): Promise<TestAnswer> {
    return call(this.issuer, { method, path, body, headers: { authorization: `Bearer ${token}`, ...headers } });
  }

  /** Exchanges a token for a mandate. */
  exchange(client: SceneClient, subject: string, fields: Fields = {}): Promise<TestAnswer> {
    return this.oauth(
      'token',
      { grant_type: EXCHANGE, subject_token: subject, subject_token_type: ACCESS_TOKEN, ...fields },
      client,
    );
  }

  /** The zone's ledger entries that match a query string, newest last. */
  async entries(query: string): Promise<readonly { index: number; entry: Record<string, unknown> }[]> {
    const { items } = ok(await this.admin('GET', `/audit/events?limit=200&${query}`));
    return (items as { index: number; entry: string | Record<string, unknown> }[]).map(({ index, entry }) => ({
      index,
      entry: typeof entry === 'string' ? (JSON.parse(entry) as Record<string, unknown>) : entry,
    }));
  }
}

/** The claims of a token, unverified. */
export function claimsOf(token: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(token.split('.')[1] as string, 'base64url').toString()) as Record<string, unknown>;
}

export function basic({ id, secret }: SceneClient): string {
  return `Basic ${Buffer.from(`${encodeURIComponent(id)}:${encodeURIComponent(secret)}`).toString('base64')}`;
}

export function encode(fields: Fields): string {
  const pairs = Object.entries(fields).flatMap(([name, value]) =>
    [value].flat().map((one) => [name, one] as [string, string]),
  );
  return new URLSearchParams(pairs).toString();
}

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- answers of many shapes; tests assert them
export function ok(answer: TestAnswer): any {
  if (answer.status !== 200) throw new Error(`expected 200, got ${answer.status}: ${JSON.stringify(answer.body)}`);
  return answer.body;
}

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- answers of many shapes; tests assert them
export function created(answer: TestAnswer): any {
  if (answer.status !== 201) throw new Error(`expected 201, got ${answer.status}: ${JSON.stringify(answer.body)}`);
  return answer.body;
}
