import { isSubset, type ScopeSet } from '../../kernel/scopes.js';
import type { ScopedResource } from './ceiling.js';

/** An expiring, revocable edge that passes narrower authority from one session to another. */
export interface DelegationEdge {
  readonly id: string;
  readonly source: string;
  readonly target: string;
  readonly sourceApplication: string;
  readonly targetApplication: string;
  /** The edge this one was made from; undefined when the source passed on authority of its own. */
  readonly parent?: string | undefined;
  /** Ids from the first edge to this one. */
  readonly path: readonly string[];
  readonly resources: readonly ScopedResource[];
  /** How many further edges may follow below this one. */
  readonly hopsRemaining: number;
  readonly status: 'active' | 'revoked' | 'expired';
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
  readonly notBefore?: number | undefined;
  /** The only operations that it may be used for, as a gateway tells them apart; undefined leaves that to the scopes. */
  readonly operations?: readonly EdgeOperation[] | undefined;
  /** How many calls may be made under it and everything passed on from it. */
  readonly maxCalls?: number | undefined;
}

/** A method and a path template, or an MCP tool. */
export type EdgeOperation = { readonly method: string; readonly path: string } | { readonly mcpTool: string };

export interface EdgeProposal {
  readonly source: string;
  readonly target: string;
  readonly resources: readonly ScopedResource[];
  /** Further edges allowed below this one; omitted means none. */
  readonly hops?: number | undefined;
  readonly expiresAt: number;
}

export interface EdgeFacts {
  readonly now: number;
  /** The live edge the proposal passes on; undefined when the source passes on authority of its own. */
  readonly parent?: DelegationEdge | undefined;
  /** When source and target end, in milliseconds; Infinity for a session without an end. */
  readonly sourceEnds: number;
  readonly targetEnds: number;
  /** What the source holds at a resource identifier, by the parent edge when there is one. */
  readonly held: (resource: string) => ScopeSet;
  /** Targets of the live edges that leave a session. */
  readonly outgoing: (session: string) => readonly string[];
}

export type EdgeRefusal = 'authority_exceeded' | 'delegation_cycle';

const MAX_HOPS = 10;

/** True while the edge may be used: active, begun and not yet ended. It says nothing about the edges above it. */
export function isLiveEdge(edge: DelegationEdge, now: number): boolean {
  return edge.status === 'active' && now < edge.expiresAt && now >= (edge.notBefore ?? Number.NEGATIVE_INFINITY);
}

/** True for an edge that is held to something which only a gateway sees: what passes by one could not be checked. */
export function needsGateway({ operations, maxCalls }: Pick<DelegationEdge, 'operations' | 'maxCalls'>): boolean {
  return operations !== undefined || maxCalls !== undefined;
}

/** How many edges may follow below a new one: at most the parent's minus one; creating, inheriting and minting share this meaning. */
export function hopsAllowed(parent: DelegationEdge | undefined): number {
  return parent === undefined ? MAX_HOPS : parent.hopsRemaining - 1;
}

/** True when `lower` names `upper` as its parent and continues its path. */
export function continues(lower: DelegationEdge, upper: DelegationEdge): boolean {
  return (
    lower.parent === upper.id &&
    lower.source === upper.target &&
    lower.path.length === upper.path.length + 1 &&
    upper.path.every((id, index) => lower.path[index] === id)
  );
}

/**
 * Undefined when the edge may be made: no cycle, within what the source holds, within the parent's hops, not outliving source, target or
 * parent. The caller holds the zone's graph lock and must have checked that source and target are live.
 */
export function refuseEdge(proposal: EdgeProposal, facts: EdgeFacts): EdgeRefusal | undefined {
  if (reaches(proposal.target, proposal.source, facts.outgoing)) return 'delegation_cycle';
  const fits = hopsFit(proposal, facts) && lifeFits(proposal, facts) && resourcesFit(proposal, facts);
  return fits ? undefined : 'authority_exceeded';
}

function hopsFit({ hops = 0 }: EdgeProposal, { parent }: EdgeFacts): boolean {
  return hops >= 0 && hops <= hopsAllowed(parent);
}

function lifeFits({ expiresAt }: EdgeProposal, { now, sourceEnds, targetEnds, parent }: EdgeFacts): boolean {
  const parentEnds = parent?.expiresAt ?? Number.POSITIVE_INFINITY;
  return expiresAt > now && expiresAt <= Math.min(sourceEnds, targetEnds, parentEnds);
}

function resourcesFit({ resources }: EdgeProposal, { held }: EdgeFacts): boolean {
  return (
    resources.length > 0 &&
    resources.every((entry) => entry.scopes.size > 0 && isSubset(entry.scopes, held(entry.resource)))
  );
}

function reaches(from: string, to: string, outgoing: (session: string) => readonly string[]): boolean {
  const seen = new Set<string>();
  const open = [from];
  for (let session = open.pop(); session !== undefined; session = open.pop()) {
    if (session === to) return true;
    if (seen.has(session)) continue;
    seen.add(session);
    open.push(...outgoing(session));
  }
  return false;
}
