import { epochSeconds } from '../../../kernel/times.js';
import type { TokenClaims } from '../../../auth/index.js';
import { actClaim, type Lineage, narrowLifetime } from '../../../policy/index.js';
import type { Epochs, SessionRecord } from './session.js';

/** One less than a token may name, so that what is obtained with a session token can name it too. */
const MOST_ANCESTOR_TOKENS = 7;
/** Header, dots and signature of a compact JWS, generously. */
const ENVELOPE_BYTES = 320;
const MOST_BYTES = 4_096;

export interface SessionTokenFacts {
  readonly issuer: string;
  readonly zone: string;
  readonly jti: string;
  /** Milliseconds. */
  readonly now: number;
  /** How long the zone lets session tokens live when nothing above them ends sooner. */
  readonly seconds: number;
  /** The tokens it is obtained with, nearest first. */
  readonly parents: readonly string[];
  /** When the application ends, in milliseconds. */
  readonly applicationEnds?: number | undefined;
}

/**
 * The claims of a session token (RFC 9068 §2.2, RFC 8693 §4): for the coordinator and the token endpoint only, ending no later than the
 * session, its lease and all they depend on. It carries the epochs the session was started under, so that a token of a session from before a
 * kill never outlives it. Undefined when an ancestor ends before a whole second has passed.
 */
export function sessionTokenClaims(
  session: SessionRecord,
  lineage: Lineage,
  facts: SessionTokenFacts,
): TokenClaims | undefined {
  const issuedAt = epochSeconds(facts.now);
  const ancestors = [lineage.endsAt, session.expiresAt, session.leaseExpiresAt, facts.applicationEnds].filter(
    (end) => end !== undefined,
  );
  const life = narrowLifetime('session', { issuedAt, asked: facts.seconds, ancestors });
  if (!life.ok) return undefined;
  const parents = [...new Set(facts.parents)].slice(0, MOST_ANCESTOR_TOKENS);
  const edge = lineage.edges[0];
  const act = actClaim(lineage);
  return {
    iss: facts.issuer,
    sub: lineage.root.subject,
    aud: facts.issuer,
    iat: issuedAt,
    nbf: issuedAt,
    exp: life.expiresAt,
    jti: facts.jti,
    client_id: session.application,
    zone: facts.zone,
    sid: session.id,
    sub_type: lineage.root.subjectType,
    ...(act === undefined ? {} : { act }),
    ...(edge === undefined ? {} : { dlg: edge.id, dep: lineage.edges.length }),
    ...(parents.length === 0 ? {} : { ptk: parents }),
    ...(session.credential === undefined ? {} : { crd: session.credential }),
    ep: ordered(session.epochs),
    ...(session.cnf === undefined ? {} : { cnf: session.cnf }),
    txn: session.txn,
  };
}

/** True when a session token of these claims is small enough to be issued. */
export function fitsSessionToken(claims: TokenClaims): boolean {
  return Math.ceil((Buffer.byteLength(JSON.stringify(claims)) * 4) / 3) + ENVELOPE_BYTES <= MOST_BYTES;
}

/** What a token obtained with this one names as its ancestors: this one and its own. */
export function ancestorTokens(presented: Pick<TokenClaims, 'jti' | 'ptk'>): readonly string[] {
  return [presented.jti, ...(presented.ptk ?? [])];
}

function ordered({ z, a, s }: Epochs): Epochs {
  return { z, a, s };
}
