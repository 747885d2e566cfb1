import type { JsonObject } from '../../kernel/json.js';

export interface ProtectedResourceFacts {
  readonly gatewayUrl: string;
  readonly issuer: string;
  readonly jwksUri: string;
  readonly name: string;
  readonly scopes: readonly string[];
  /** What proofs of possession may be signed with. */
  readonly proofAlgorithms: readonly string[];
  /** Types of authorization details that it knows (RFC 9728 §2). */
  readonly detailTypes: readonly string[];
}

/** OAuth 2.0 Protected Resource Metadata (RFC 9728 §2); `resource` is the gateway URL, string-equal to a mandate's audience (§3.3). */
export function protectedResourceMetadata(facts: ProtectedResourceFacts): JsonObject {
  return {
    resource: facts.gatewayUrl,
    authorization_servers: [facts.issuer],
    jwks_uri: facts.jwksUri,
    scopes_supported: facts.scopes,
    bearer_methods_supported: ['header'],
    dpop_signing_alg_values_supported: facts.proofAlgorithms,
    ...(facts.detailTypes.length === 0 ? {} : { authorization_details_types_supported: facts.detailTypes }),
    resource_name: facts.name,
  };
}
