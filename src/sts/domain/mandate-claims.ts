import type { JsonObject } from '../../kernel/json.js';
import { OAuthError } from '../../kernel/oauth-error.js';
import { formatScope, type ScopeSet } from '../../kernel/scopes.js';
import { applicationSubject } from '../../kernel/subjects.js';
import type { TokenClaims } from '../../auth/index.js';
import { actClaim, type Lineage } from '../../policy/index.js';
import { unusableToken } from './refusals.js';

const MAX_PARENTS = 8;

/** The client a token is issued to and the credential it proved. */
export interface TokenClient {
  readonly application: string;
  readonly credential: string;
}

/** When a token lives: whole seconds since the epoch. */
export interface TokenSpan {
  readonly issuedAt: number;
  readonly expiresAt: number;
}

/** What every token that the token endpoint issues has. */
export interface TokenBasis {
  readonly issuer: string;
  readonly zone: string;
  readonly client: TokenClient;
  readonly span: TokenSpan;
  readonly jti: string;
  readonly txn: string;
  /** Thumbprint of the key it is bound to; undefined for a bearer token. */
  readonly jkt?: string | undefined;
  readonly epochs: TokenClaims['ep'];
}

export interface MandateFacts {
  /** What its resources are called in `aud`; one is a plain string, several an array of exactly these. */
  readonly audience: readonly string[];
  readonly scopes: ScopeSet;
  /** The authorization details that were granted (RFC 9396 §9.1). */
  readonly details?: readonly JsonObject[] | undefined;
  /** How authority came to the session that acts; undefined when an application acts without a session. */
  readonly lineage?: Lineage | undefined;
  /** The federated user who was proved by an id_token. */
  readonly user?: string | undefined;
  /** The claims of the tokens of ours that it was obtained with. */
  readonly parents: readonly TokenClaims[];
  /** The approval that is used up for it. */
  readonly approval?: string | undefined;
}

/** The claims of an application token (RFC 9068 §2.2). Its audience is the issuer alone; `scope` only when it was asked for. */
export function applicationTokenClaims(
  basis: TokenBasis,
  scope: ScopeSet | undefined,
  details?: readonly JsonObject[],
): TokenClaims {
  return {
    aud: basis.issuer,
    sub: applicationSubject(basis.client.application),
    sub_type: 'application',
    ...commonClaims(basis),
    ...(scope === undefined ? {} : { scope: formatScope(scope) }),
    ...(details === undefined ? {} : { authorization_details: details }),
  };
}

/**
 * The claims of a mandate (RFC 9068 §2.2, RFC 8693 §4): `sub` is the subject of the root of the work, top-level `client_id` and `sid` are the
 * current actor's, `act` nests who delegated. `ptk` names the tokens it was obtained with, so that it dies with any of them; more than eight
 * refuse the request, nothing is cut off.
 */
export function mandateClaims(basis: TokenBasis, facts: MandateFacts): TokenClaims {
  const parents = parentTokens(facts.parents);
  return {
    aud: facts.audience.length === 1 ? (facts.audience[0] as string) : facts.audience,
    scope: formatScope(facts.scopes),
    ...commonClaims(basis),
    ...(facts.details === undefined ? {} : { authorization_details: facts.details }),
    ...subjectClaims(basis.client, facts),
    ...(parents.length === 0 ? {} : { ptk: parents }),
    ...(facts.approval === undefined ? {} : { apr: facts.approval }),
  };
}

function commonClaims(basis: TokenBasis): Omit<TokenClaims, 'aud' | 'sub' | 'sub_type'> {
  const { issuer, zone, client, span, jti, txn, epochs, jkt } = basis;
  return {
    iss: issuer,
    iat: span.issuedAt,
    nbf: span.issuedAt,
    exp: span.expiresAt,
    jti,
    client_id: client.application,
    zone,
    crd: client.credential,
    ep: epochs,
    ...(jkt === undefined ? {} : { cnf: { jkt } }),
    txn,
  };
}

function subjectClaims(
  client: TokenClient,
  { lineage, user }: MandateFacts,
): Pick<TokenClaims, 'sub' | 'sub_type' | 'sid' | 'act' | 'dlg' | 'dep'> {
  const proved = user === undefined ? undefined : ({ sub: user, sub_type: 'user' } as const);
  if (!lineage) {
    const sub = applicationSubject(client.application);
    if (!proved) return { sub, sub_type: 'application' };
    return { ...proved, act: { sub, client_id: client.application, crd: client.credential } };
  }
  const act: JsonObject | undefined = actClaim(lineage, user);
  const edge = lineage.edges[0];
  return {
    ...(proved ?? { sub: lineage.root.subject, sub_type: lineage.root.subjectType }),
    sid: lineage.current.id,
    ...(act === undefined ? {} : { act }),
    ...(edge === undefined ? {} : { dlg: edge.id, dep: lineage.edges.length }),
  };
}

function parentTokens(parents: readonly TokenClaims[]): string[] {
  const jtis = new Set(parents.flatMap((claims) => [claims.jti, ...(claims.ptk ?? [])]));
  if (jtis.size > MAX_PARENTS) throw unusableToken('more ancestors than a token can name');
  return [...jtis];
}

/** `token_type` of an answer with a token of these claims (RFC 9449 §5). */
export function tokenType({ cnf }: Pick<TokenClaims, 'cnf'>): 'Bearer' | 'DPoP' {
  return cnf === undefined ? 'Bearer' : 'DPoP';
}

/** Refuses a `lifetime` that cannot be had; a shorter one than asked is not a refusal. */
export function lifetimeRefusal(fault: 'beyond_class' | 'ancestor_ended'): OAuthError {
  return fault === 'beyond_class'
    ? new OAuthError('invalid_request', 'lifetime is above the cap')
    : unusableToken('an ancestor has ended');
}
