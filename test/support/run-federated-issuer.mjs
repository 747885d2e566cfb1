/** A real OpenID provider: oidc-provider with one client, where everybody who asks is signed in as the `login_hint` they came with. */
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import Provider from 'oidc-provider';

const { client, alg } = JSON.parse(process.argv[2] ?? '{}');
const server = createServer().listen(0, '127.0.0.1');
await once(server, 'listening');
const issuer = `http://127.0.0.1:${server.address().port}`;
const { privateKey } =
  alg === 'ES256'
    ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
    : generateKeyPairSync('rsa', { modulusLength: 2048 });

const provider = new Provider(issuer, {
  jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), use: 'sig', alg, kid: 'real' }] },
  clients: [{ id_token_signed_response_alg: alg, ...client }],
  cookies: { keys: ['not a secret: it lives as long as a test'] },
  pkce: { required: () => false },
  interactions: { url: (_context, interaction) => `/interaction/${interaction.uid}` },
  findAccount: (_context, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
  features: { devInteractions: { enabled: false } },
});

async function interact(request, response) {
  const { prompt, params, session, grantId } = await provider.interactionDetails(request, response);
  if (prompt.name === 'login')
    return provider.interactionFinished(request, response, { login: { accountId: params.login_hint } });
  const grant =
    (grantId && (await provider.Grant.find(grantId))) ??
    new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
  grant.addOIDCScope('openid');
  return provider.interactionFinished(request, response, { consent: { grantId: await grant.save() } });
}

const rest = provider.callback();
server.on('request', (request, response) => {
  if (!request.url.startsWith('/interaction/')) return rest(request, response);
  interact(request, response).catch((error) => response.writeHead(500).end(String(error)));
});
process.stdout.write(`${issuer}\n`);
