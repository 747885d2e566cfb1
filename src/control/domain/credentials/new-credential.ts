import type { FieldFault } from '../../../kernel/app-error.js';
import type { JsonObject } from '../../../kernel/json.js';
import { CERTIFICATE_MEMBERS, type CredentialType } from './credential.js';
import { jwksFaults } from './jwks.js';

/** SPIFFE-ID §2: a trust domain of lower-case letters, digits, dots, dashes and underscores, and a path of non-empty segments. */
const SPIFFE_ID = /^spiffe:\/\/[a-z0-9._-]{1,255}(?:\/[A-Za-z0-9._-]+)+$/;
const SPIFFE_DOTS = /\/\.{1,2}(?:\/|$)/;
const MOST_SPIFFE = 2_048;
/** Development: the egress guard still has to permit loopback. */
const LOOPBACK = /^http:\/\/(?:127\.0\.0\.1|\[::1\])(?::\d+)?\//;

/** Members of the request that describe a credential, besides `type` and `expires_at`. */
const MEMBERS: Readonly<Record<CredentialType, readonly string[]>> = {
  client_secret: [],
  jwks: ['jwks'],
  jwks_uri: ['jwks_uri'],
  spiffe: ['spiffe_id'],
  certificate: CERTIFICATE_MEMBERS,
};

/** A credential as asked for: the key set by itself, everything else as details. */
export interface CredentialRequest {
  readonly jwks?: JsonObject | undefined;
  readonly details: JsonObject;
}

/** What is wrong with a new credential: members of another type, members that are missing, or values that could authenticate nobody. */
export function credentialFaults(type: CredentialType, { jwks, details }: CredentialRequest): readonly FieldFault[] {
  const given = [...(jwks ? ['jwks'] : []), ...Object.keys(details)];
  const foreign = given.filter((name) => !MEMBERS[type].includes(name));
  if (foreign.length > 0)
    return foreign.map((name) => ({ field: name, message: `does not belong to a credential of type ${type}` }));
  switch (type) {
    case 'client_secret':
      return [];
    case 'jwks':
      return jwks
        ? jwksFaults(jwks)
        : [missing('jwks', 'like {"keys":[{"kty":"EC","crv":"P-256","x":"…","y":"…","kid":"1"}]}')];
    case 'jwks_uri':
      return uriFaults(details['jwks_uri']);
    case 'spiffe':
      return spiffeFaults(details['spiffe_id']);
    case 'certificate':
      return certificateFaults(given);
  }
}

function uriFaults(uri: JsonObject[string] | undefined): readonly FieldFault[] {
  if (uri === undefined) return [missing('jwks_uri', 'like https://agent.example/jwks.json')];
  return typeof uri === 'string' && (uri.startsWith('https://') || LOOPBACK.test(uri))
    ? []
    : [{ field: 'jwks_uri', message: 'must be an https URL (RFC 7591 §2)' }];
}

function spiffeFaults(id: JsonObject[string] | undefined): readonly FieldFault[] {
  if (id === undefined) return [missing('spiffe_id', 'like spiffe://example.org/agents/billing')];
  const sound = typeof id === 'string' && id.length <= MOST_SPIFFE && SPIFFE_ID.test(id) && !SPIFFE_DOTS.test(id);
  return sound
    ? []
    : [{ field: 'spiffe_id', message: 'must be a SPIFFE id with a path, like spiffe://example.org/agents/billing' }];
}

/** RFC 8705 §2.1.2: exactly one member says who the certificate's subject must be. */
function certificateFaults(given: readonly string[]): readonly FieldFault[] {
  return given.length === 1
    ? []
    : [
        {
          field: 'type',
          message: `a certificate is named by exactly one of ${CERTIFICATE_MEMBERS.join(', ')} (RFC 8705 §2.1.2)`,
        },
      ];
}

function missing(field: string, example: string): FieldFault {
  return { field, message: `is required for this type, ${example}` };
}
