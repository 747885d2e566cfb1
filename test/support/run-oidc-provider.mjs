/**
 * Another implementation of the same texts, to agree with or to depend on: oidc-provider with one client, given as JSON. With a second argument
 * it also has accounts: whoever comes is the account that `login_hint` names, and consents to everything.
 */
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { createServer } from 'node:net';
import Provider from 'oidc-provider';

const client = JSON.parse(process.argv[2] ?? '{}');
const accounts = process.argv[3] === 'accounts';

async function freePort() {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address();
  probe.close();
  await once(probe, 'close');
  return port;
}

const port = await freePort();
const issuer = `http://127.0.0.1:${port}`;
const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const provider = new Provider(issuer, {
  jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), use: 'sig', alg: 'ES256', kid: 'oracle' }] },
  clients: [
    {
      grant_types: ['client_credentials'],
      redirect_uris: [],
      response_types: [],
      id_token_signed_response_alg: 'ES256',
      ...client,
    },
  ],
  clientAuthMethods: ['client_secret_basic', 'client_secret_post', 'private_key_jwt'],
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    dPoP: { enabled: true },
    revocation: { enabled: true },
  },
  ...(accounts
    ? {
        // Shorter than the renewal's head start: every use is a renewal.
        ttl: { AccessToken: 25, Session: 600, Grant: 600, Interaction: 600, RefreshToken: 600 },
        rotateRefreshToken: true,
        pkce: { required: () => true },
        findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
        interactions: { url: (_, { uid }) => `/interaction/${uid}` },
        cookies: { keys: ['of this run'] },
      }
    : {}),
});

async function interact(request, response) {
  const { prompt, params, session, grantId } = await provider.interactionDetails(request, response);
  if (prompt.name === 'login') {
    const result = { login: { accountId: params.login_hint ?? 'nobody' } };
    return provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
  }
  const grant =
    (grantId && (await provider.Grant.find(grantId))) ??
    new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
  grant.addOIDCScope(params.scope);
  const result = { consent: { grantId: await grant.save() } };
  return provider.interactionFinished(request, response, result, { mergeWithLastSubmission: true });
}

const answer = provider.callback();
const server = createHttpServer((request, response) => {
  if (request.url.startsWith('/interaction/')) interact(request, response).catch((error) => response.destroy(error));
  else answer(request, response);
});
server.listen(port, '127.0.0.1', () => process.stdout.write(`${issuer}\n`));
