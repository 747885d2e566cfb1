import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const REDIRECT = 'http://127.0.0.1:9/callback';
const CLIENT = {
  client_id: 'caracal',
  client_secret: 'a-secret-of-this-test-only',
  application_type: 'native',
  redirect_uris: [REDIRECT],
  response_types: ['code'],
  grant_types: ['authorization_code'],
};
const MOST_REDIRECTS = 10;

/** oidc-provider in a process of its own, as an OpenID provider that users sign in at. */
export interface FederatedIssuer {
  readonly url: string;
  /** Signs a user in by the authorization code flow and answers the id_token. */
  signIn(user: string, nonce: string): Promise<string>;
  close(): Promise<void>;
}

export async function startFederatedIssuer(alg: 'RS256' | 'ES256'): Promise<FederatedIssuer> {
  const script = fileURLToPath(new URL('./run-federated-issuer.mjs', import.meta.url));
  const child = spawn(process.execPath, [script, JSON.stringify({ client: CLIENT, alg })], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const [url] = (await Promise.race([
    once(createInterface(child.stdout), 'line'),
    once(child, 'exit').then(() => Promise.reject(new Error('the OpenID provider did not start'))),
  ])) as [string];
  return {
    url,
    signIn: async (user, nonce) => redeem(url, await authorize(url, { user, nonce })),
    close: async () => {
      if (child.exitCode !== null) return;
      child.kill();
      await once(child, 'exit');
    },
  };
}

/** Follows the provider's redirects with its cookies, as a browser does, until it sends the code. */
async function authorize(url: string, { user, nonce }: { user: string; nonce: string }): Promise<string> {
  const query = { client_id: CLIENT.client_id, redirect_uri: REDIRECT, response_type: 'code', scope: 'openid' };
  const cookies = new Map<string, string>();
  let next = `${url}/auth?${new URLSearchParams({ ...query, login_hint: user, nonce }).toString()}`;
  for (let step = 0; step < MOST_REDIRECTS && !next.startsWith(REDIRECT); step += 1) {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const response = await fetch(next, { redirect: 'manual', headers: { cookie } });
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      cookies.set(name, value);
    }
    next = new URL(response.headers.get('location') ?? '', next).href;
  }
  return new URL(next).searchParams.get('code') ?? '';
}

async function redeem(url: string, code: string): Promise<string> {
  const { client_id, client_secret } = CLIENT;
  const response = await fetch(`${url}/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from(`${client_id}:${client_secret}`).toString('base64')}` },
    body: new URLSearchParams({ grant_type: 'authorization_code', code, redirect_uri: REDIRECT }),
  });
  const { id_token } = (await response.json()) as { id_token?: string };
  if (id_token === undefined) throw new Error(`the provider issued no id_token: ${response.status}`);
  return id_token;
}
