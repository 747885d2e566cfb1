import type { JsonObject } from '../../kernel/json.js';

export const CLIENT_AUTH_METHODS = ['client_secret_basic', 'client_secret_post', 'private_key_jwt'];

/** FAPI 2.0 §5.4: never RS256, never a shared secret. */
export const ASSERTION_ALGORITHMS = ['ES256', 'PS256', 'EdDSA', 'Ed25519'];

export interface ServerFacts {
  readonly issuer: string;
  readonly grantTypes: readonly string[];
  readonly proofAlgorithms: readonly string[];
  /** What the zone signs with. */
  readonly signingAlgorithm: string;
  /** Types of authorization details that some resource knows (RFC 9396 §10). */
  readonly detailTypes: readonly string[];
}

/** Authorization server metadata of one issuer (RFC 8414 §2). Only what works is listed. */
export function serverMetadata(facts: ServerFacts): JsonObject {
  const { issuer, grantTypes, proofAlgorithms, detailTypes, signingAlgorithm } = facts;
  const endpoint = (name: string): JsonObject => ({
    [`${name}_endpoint_auth_methods_supported`]: CLIENT_AUTH_METHODS,
    [`${name}_endpoint_auth_signing_alg_values_supported`]: ASSERTION_ALGORITHMS,
  });
  return {
    issuer,
    // Clients in the wild do not read a document without it (ADR 17); nobody is led there, since no response type is supported.
    authorization_endpoint: `${issuer}/oauth2/authorize`,
    token_endpoint: `${issuer}/oauth2/token`,
    jwks_uri: `${issuer}/jwks.json`,
    introspection_endpoint: `${issuer}/oauth2/introspect`,
    revocation_endpoint: `${issuer}/oauth2/revoke`,
    backchannel_authentication_endpoint: `${issuer}/oauth2/bc-authorize`,
    backchannel_token_delivery_modes_supported: ['poll'],
    backchannel_user_code_parameter_supported: false,
    grant_types_supported: [...grantTypes],
    response_types_supported: [],
    code_challenge_methods_supported: ['S256'],
    ...endpoint('token'),
    ...endpoint('introspection'),
    ...endpoint('revocation'),
    introspection_signing_alg_values_supported: [signingAlgorithm],
    dpop_signing_alg_values_supported: [...proofAlgorithms],
    authorization_details_types_supported: [...detailTypes],
    // Said although false is their default: clients look for them (RFC 8705 §3.3, RFC 9207 §3, client-id-metadata-document).
    tls_client_certificate_bound_access_tokens: false,
    authorization_response_iss_parameter_supported: false,
    client_id_metadata_document_supported: false,
  };
}
