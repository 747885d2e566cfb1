import { AppError } from '../../../kernel/app-error.js';
import { isSubset, type ScopeSet } from '../../../kernel/scopes.js';
import { type DelegationEdge, type Lineage, refuseEdge } from '../../../policy/index.js';
import type { ScopedResource } from './delegation-record.js';

export interface PassOnRequest {
  readonly source: string;
  readonly target: string;
  readonly resources: readonly ScopedResource[];
  readonly hops?: number | undefined;
  readonly expiresAt: number;
}

export interface PassOnFacts {
  readonly now: number;
  /** How the authority that is passed on came to the source. */
  readonly lineage: Lineage;
  /** What the source holds under that lineage, by resource identifier. */
  readonly held: (resource: string) => ScopeSet;
  readonly sourceEnds: number;
  readonly targetEnds: number;
  readonly outgoing: (session: string) => readonly string[];
}

export interface PassedOn {
  /** The edge that ends at the source and is continued; undefined when the source passes on its own or inherited authority. */
  readonly parent?: string;
  /** Every edge that the authority comes through, the first one first; the new edge's id goes behind them. */
  readonly above: readonly string[];
  readonly hopsRemaining: number;
}

/**
 * Where a new edge stands when it may be made: within what the source holds, within the hops and the life of the nearest edge above it — also
 * when the source only inherits from a session that was narrowed — and in no loop with any session its authority comes from. Throws
 * `authority_exceeded` or `delegation_cycle`. The caller holds the graph lock and has checked that both sessions are live.
 */
export function passOn(request: PassOnRequest, facts: PassOnFacts): PassedOn {
  const { lineage } = facts;
  const nearest = lineage.edges[0];
  if (lineage.sessions.some((session) => session.id === request.target)) throw cycle();
  const refusal = refuseEdge(request, { ...facts, parent: nearest });
  if (refusal === 'delegation_cycle') throw cycle();
  if (refusal)
    throw new AppError(
      'authority_exceeded',
      'The session cannot pass on what it does not hold, for longer than it lasts, or over more hops.',
    );
  return {
    ...(nearest && continued(nearest, request.source) ? { parent: nearest.id } : {}),
    above: nearest?.path ?? [],
    hopsRemaining: request.hops ?? 0,
  };
}

/** True when everything that is to be passed on is held under a lineage. */
export function covers(resources: readonly ScopedResource[], held: (resource: string) => ScopeSet): boolean {
  return resources.every((entry) => isSubset(entry.scopes, held(entry.resource)));
}

function continued(edge: DelegationEdge, source: string): boolean {
  return edge.target === source;
}

function cycle(): AppError {
  return new AppError('delegation_cycle', 'The authority would come back to a session that it came from.');
}
