import type { FieldFault } from '../../kernel/app-error.js';
import { SIGNATURE_ALGORITHMS } from '../../kernel/jose/signatures.js';
import type { JsonObject } from '../../kernel/json.js';
import { formatTime } from '../../kernel/times.js';

/** An OpenID provider as it is stored. */
export interface SubjectIssuerRow {
  readonly id: string;
  readonly issuer: string;
  readonly audience: string;
  readonly algorithms: readonly string[];
  readonly subjectClaim: string;
  readonly status: 'active' | 'archived';
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly archivedAt: Date | null;
  readonly version: number;
}

/** What an issuer may sign with unless it is said: the usual ones. Nothing symmetric can be chosen. */
export const DEFAULT_ID_TOKEN_ALGORITHMS: readonly string[] = ['RS256', 'PS256', 'ES256', 'EdDSA'];
export const DEFAULT_SUBJECT_CLAIM = 'sub';

/** Claims that say something about the token and never who the user is. */
const NO_NAMES: readonly string[] = ['iss', 'aud', 'azp', 'exp', 'iat', 'nbf', 'jti', 'nonce', 'typ'];
/** Development: the egress guard still has to permit loopback. */
const LOOPBACK = /^http:\/\/(?:127\.0\.0\.1|\[::1\]|localhost)(?::\d+)?(?:\/|$)/;

/** What is wrong with an issuer by itself; whether the server may ask there is judged elsewhere. */
export function subjectIssuerFaults(draft: {
  readonly issuer: string;
  readonly algorithms: readonly string[];
  readonly subjectClaim: string;
}): readonly FieldFault[] {
  const faults: FieldFault[] = [];
  if (!isIssuerIdentifier(draft.issuer))
    faults.push({
      field: 'issuer',
      message: 'must be an https URL without query or fragment (OIDC Discovery §3), like https://login.example.com',
    });
  draft.algorithms.forEach((name, at) => {
    if (!SIGNATURE_ALGORITHMS.includes(name))
      faults.push({ field: `algorithms.${at}`, message: `must be one of ${SIGNATURE_ALGORITHMS.join(', ')}` });
  });
  if (NO_NAMES.includes(draft.subjectClaim))
    faults.push({ field: 'subject_claim', message: 'must be a claim that names the user' });
  return faults;
}

/** OIDC Discovery §3: https, host, optionally port and path, no query, no fragment, no user. It is compared byte for byte, so it is kept as given. */
function isIssuerIdentifier(issuer: string): boolean {
  if (!URL.canParse(issuer) || /[?#\s\\]/.test(issuer)) return false;
  const { username, password } = new URL(issuer);
  return (issuer.startsWith('https://') || LOOPBACK.test(issuer)) && username === '' && password === '';
}

/** An issuer as administrators see it. */
export function subjectIssuerBody(row: SubjectIssuerRow): JsonObject {
  return {
    id: row.id,
    issuer: row.issuer,
    audience: row.audience,
    algorithms: [...row.algorithms],
    subject_claim: row.subjectClaim,
    status: row.status,
    created_at: formatTime(row.createdAt.getTime()),
    updated_at: formatTime(row.updatedAt.getTime()),
    ...(row.archivedAt === null ? {} : { archived_at: formatTime(row.archivedAt.getTime()) }),
  };
}
