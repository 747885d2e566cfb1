import type { HeldWork } from '../../control/index.js';
import type { Lineage } from '../../policy/index.js';
import { subjectOf } from './decision-facts.js';

/** What a mandate that needs people would be for. */
export interface AskedMandate {
  readonly zone: string;
  readonly application: string;
  /** How authority came to the session that acts; undefined for an application without a session. */
  readonly lineage?: Lineage | undefined;
  /** The federated user the work is done for, when that is not said by the root of the work. */
  readonly user?: string | undefined;
  readonly resources: readonly { readonly id: string; readonly identifier: string }[];
  readonly scopes: Iterable<string>;
  readonly authorizationDetails?: HeldWork['authorizationDetails'];
  readonly policyVersion: number;
}

/** The facts of a mandate that people decide about; two requests for the same have the same binding. */
export function heldWork({ lineage, user, application, resources, scopes, ...rest }: AskedMandate): HeldWork {
  return {
    ...rest,
    application,
    session: lineage?.current.id,
    delegation: lineage?.edges[0]?.id,
    subject: user ?? subjectOf(application, lineage),
    resources: resources.map(({ id, identifier }) => ({ id, identifier })),
    scopes: [...scopes].sort(),
  };
}

/** Who asks, on all sides of the way. */
export interface Requesters {
  /** The roots of all trees of sessions: whoever stands in one of them is on the requester's side. */
  readonly sides: readonly string[];
  /** The people who answer for these sessions. */
  readonly raisers: readonly string[];
}

export function requestersOf(lineage: Lineage | undefined): Requesters {
  const sessions = lineage?.sessions ?? [];
  const sponsors = sessions.map(({ sponsor }) => sponsor).filter((sponsor) => sponsor !== undefined);
  return { sides: [...new Set(sessions.map(({ root, id }) => root ?? id))], raisers: [...new Set(sponsors)] };
}
