/** Another implementation of the same texts, to agree with: oidc-provider with one client, keys and client given as JSON. */
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';
import Provider from 'oidc-provider';

const client = JSON.parse(process.argv[2] ?? '{}');

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
  features: { devInteractions: { enabled: false }, clientCredentials: { enabled: true }, dPoP: { enabled: true } },
});
provider.listen(port, '127.0.0.1', () => process.stdout.write(`${issuer}\n`));
