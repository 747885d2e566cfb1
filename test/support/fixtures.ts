import { call, type TestAnswer } from './app.js';

/** What talks to a server's administration. */
export interface AdminClient {
  admin(method: string, path: string, body?: unknown, headers?: Readonly<Record<string, string>>): Promise<TestAnswer>;
}

export interface ApplicationFixture {
  readonly id: string;
  readonly secret: string;
  readonly credential: string;
}

/** An administration client of a server that runs elsewhere. */
export function adminOf(url: string, token: string): AdminClient {
  return {
    admin: (method, path, body, headers = {}) =>
      call(url, { method, path, body, headers: { authorization: `Bearer ${token}`, ...headers } }),
  };
}

/** A POST that must create; answers its body. */
export async function created(client: AdminClient, path: string, body: unknown): Promise<TestAnswer['body']> {
  const answer = await client.admin('POST', path, body);
  if (answer.status !== 201) throw new Error(`POST ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
  return answer.body;
}

export async function makeZoneOverHttp(client: AdminClient, slug: string): Promise<void> {
  await created(client, '/v1/zones', { slug, name: slug });
}

/** An application with one client secret. */
export async function makeApplication(
  client: AdminClient,
  zone: string,
  name: string,
  more: object = {},
): Promise<ApplicationFixture> {
  const application = await created(client, `/v1/zones/${zone}/applications`, { name, ...more });
  const credential = await created(client, `/v1/zones/${zone}/applications/${application.id}/credentials`, {
    type: 'client_secret',
  });
  return { id: application.id, secret: credential.client_secret, credential: credential.id };
}

/** A form POST to an OAuth endpoint of a zone, authenticated with client_secret_basic unless the form says otherwise. */
export async function oauth(
  url: string,
  path: string,
  form: Readonly<Record<string, string>> | URLSearchParams,
  client?: Pick<ApplicationFixture, 'id' | 'secret'>,
): Promise<TestAnswer> {
  const basic =
    client && Buffer.from(`${encodeURIComponent(client.id)}:${encodeURIComponent(client.secret)}`).toString('base64');
  const response = await fetch(`${url}${path}`, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      ...(basic ? { authorization: `Basic ${basic}` } : {}),
    },
    body: new URLSearchParams(form as Record<string, string>).toString(),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text === '' ? '' : JSON.parse(text) };
}

/** The claims of a JWT, unverified. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- claims of many shapes; tests assert them
export function claimsOf(token: string): any {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8'));
}
