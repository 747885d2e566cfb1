import { parseScope } from '../../kernel/scopes.js';
import { applicationSubject, subjectIssuer } from '../../kernel/subjects.js';
import type { TokenClaims } from '../../auth/index.js';
import type { ZoneView } from '../../control/index.js';
import { type DecisionFacts, type Lineage, sessionCeilings } from '../../policy/index.js';

/** Who asks for a mandate, with what, how authority came to it. */
export interface DecisionParties {
  readonly application: string;
  /** Undefined for an application that acts without a session. */
  readonly lineage?: Lineage | undefined;
  /** The federated user the work is done for, when that is not said by the root of the work. */
  readonly user?: string | undefined;
  /** The claims of the tokens presented. */
  readonly parents: readonly TokenClaims[];
  readonly address: string;
  readonly now: number;
  /** The rules that people have set aside. */
  readonly approval?: DecisionFacts['approval'];
}

/** The part of a zone's catalogue that bounds decisions. */
export type DecisionZone = Pick<ZoneView, 'application' | 'grantsAt'>;

/**
 * Everything a decision on a mandate may depend on. Every token presented bounds it by its `scope`; a token without one is bounded by
 * everything else: the session's whole lineage, or the grants of an application that acts for itself.
 */
export function decisionFacts(parties: DecisionParties, zone: DecisionZone): DecisionFacts {
  const { application, lineage, parents, address, now, user, approval } = parties;
  const acting = lineage ? sessionFacts(lineage) : applicationFacts(application);
  const subject = user === undefined ? acting.subject : userFacts(user);
  const allowed = sessionCeilings(lineage?.sessions ?? [], (id) => zone.application(id)?.blueprint.resources);
  const ceilings = [...parents.flatMap(scopeCeiling), ...acting.ceilings, ...allowed];
  const grants: DecisionFacts['grants'] = (holder, resource) => zone.grantsAt(holder, resource);
  const { principal, depth, chain } = acting;
  return { principal, subject, depth, chain, ceilings, grants, operation: undefined, address, now, approval };
}

type ActingFacts = Pick<DecisionFacts, 'ceilings' | 'principal' | 'subject' | 'depth' | 'chain'>;

function sessionFacts({ ceilings, current, root, edges, actors }: Lineage): ActingFacts {
  return {
    ceilings,
    principal: { application: current.application, session: current.id, labels: current.labels },
    subject: { type: root.subjectType, sub: root.subject, issuer: subjectIssuer(root.subject) },
    depth: edges.length,
    chain: actors.map((actor) => actor.application).reverse(),
  };
}

function userFacts(sub: string): ActingFacts['subject'] {
  return { type: 'user', sub, issuer: subjectIssuer(sub) };
}

function applicationFacts(application: string): ActingFacts {
  return {
    ceilings: [{ kind: 'grants', application, labels: [] }],
    principal: { application, labels: [] },
    subject: { type: 'application', sub: applicationSubject(application) },
    depth: 0,
    chain: [application],
  };
}

/** `sub` of the work: the subject of its root, or the application that works for itself. */
export function subjectOf(application: string, lineage: Lineage | undefined): string {
  return lineage?.root.subject ?? applicationSubject(application);
}

function scopeCeiling(claims: TokenClaims): DecisionFacts['ceilings'] {
  return claims.scope === undefined ? [] : [{ kind: 'scope', scopes: parseScope(claims.scope) ?? new Set<string>() }];
}
