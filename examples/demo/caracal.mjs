/** The few requests the demonstration makes, in plain HTTP: any OAuth library and any HTTP client would do the same. */
import { Difference } from './narrator.mjs';

const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token';

/** One request; the body of the answer is parsed when it is JSON. */
export async function call(method, url, { token, json, form, headers = {} } = {}) {
  const answer = await fetch(url, {
    method,
    redirect: 'manual',
    headers: {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(json === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(json === undefined ? {} : { body: JSON.stringify(json) }),
    ...(form === undefined ? {} : { body: new URLSearchParams(form) }),
  });
  const text = await answer.text();
  return { status: answer.status, headers: answer.headers, body: parsed(text) };
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** The administration API of one server. */
export function administration({ base, adminToken }) {
  const request = async (method, path, json) => call(method, `${base}/v1${path}`, { token: adminToken, json });
  return {
    get: (path) => request('GET', path),
    create: async (path, json) => {
      const answer = await request('POST', path, json);
      if (answer.status === 201) return answer.body;
      throw new Difference(`POST /v1${path}: expected 201, got ${answer.status} ${JSON.stringify(answer.body)}`);
    },
  };
}

/** An OAuth client of one zone, from the zone's own metadata (RFC 8414). */
export async function oauthClient(issuer, { client_id: clientId, client_secret: clientSecret }) {
  const { origin, pathname } = new URL(issuer);
  const { body: metadata } = await call('GET', `${origin}/.well-known/oauth-authorization-server${pathname}`);
  const credentials = `${encodeURIComponent(clientId)}:${encodeURIComponent(clientSecret)}`;
  const basic = `Basic ${Buffer.from(credentials).toString('base64')}`;
  const ask = (form) => call('POST', metadata.token_endpoint, { form, headers: { authorization: basic } });
  return {
    metadata,
    clientCredentials: () => ask({ grant_type: 'client_credentials' }),
    exchange: (subjectToken, wanted) =>
      ask({ grant_type: EXCHANGE, subject_token: subjectToken, subject_token_type: ACCESS_TOKEN, ...wanted }),
  };
}

/** The claims of a token, unverified: to show what is in it. */
export function claimsOf(token) {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8'));
}
