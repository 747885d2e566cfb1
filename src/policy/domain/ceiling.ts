import { EMPTY_SCOPE, type ScopeSet } from '../../kernel/scopes.js';

/** The part of a resource that decisions read. */
export interface Target {
  readonly id: string;
  /** The resource identifier, as delegations name it. */
  readonly identifier: string;
  /** Every scope the resource declares. */
  readonly scopes: ScopeSet;
}

export interface ScopedResource {
  /** A resource identifier. */
  readonly resource: string;
  readonly scopes: ScopeSet;
}

export interface GrantFacts {
  readonly scopes: ScopeSet;
  /** A labelled grant is open only to sessions that carry the label. */
  readonly label?: string | undefined;
  readonly expiresAt?: number | undefined;
}

/** The live grants of an application at one resource, by their ids. */
export type GrantLookup = (application: string, resource: string) => readonly GrantFacts[];

/** One thing that bounds what may be held. Bounds only ever meet: none of them adds what another one leaves out. */
export type Ceiling =
  | { readonly kind: 'scope'; readonly scopes: ScopeSet }
  | { readonly kind: 'grants'; readonly application: string; readonly labels: readonly string[] }
  | { readonly kind: 'edge'; readonly resources: readonly ScopedResource[] }
  /** Nothing but these resources, by their ids. */
  | { readonly kind: 'resources'; readonly ids: readonly string[] }
  | { readonly kind: 'nothing' };

/** What bounds every session of an application, wherever its authority comes from. */
export type SessionBound = (application: string) => readonly string[] | undefined;

/** The ceilings of all applications whose sessions authority has passed through. */
export function sessionCeilings(sessions: readonly { readonly application: string }[], bound: SessionBound): Ceiling[] {
  return [...new Set(sessions.map((session) => session.application))].flatMap((application): Ceiling[] => {
    const ids = bound(application);
    return ids === undefined ? [] : [{ kind: 'resources', ids }];
  });
}

export interface Bounds {
  readonly ceilings: readonly Ceiling[];
  readonly grants: GrantLookup;
  /** Milliseconds since the epoch; the one instant of this decision. */
  readonly now: number;
}

/**
 * What may be held at one resource: the scopes that the resource declares and every ceiling admits. Without any ceiling nothing is held.
 * The caller must not assume that a non-empty answer is a permission: policy is asked afterwards.
 */
export function heldAt(target: Target, bounds: Bounds): ScopeSet {
  if (bounds.ceilings.length === 0) return EMPTY_SCOPE;
  const admits = bounds.ceilings.map((ceiling) => admitted(ceiling, target, bounds));
  return new Set([...target.scopes].filter((scope) => admits.every((admit) => admit(scope))));
}

/** When the first of these scopes stops being granted, in milliseconds; Infinity when no grant involved expires. */
export function grantedUntil(target: Target, scopes: ScopeSet, bounds: Bounds): number {
  let end = Number.POSITIVE_INFINITY;
  for (const ceiling of bounds.ceilings) {
    if (ceiling.kind !== 'grants') continue;
    const open = openGrants(ceiling, target, bounds);
    for (const scope of scopes) end = Math.min(end, lastEnd(open, scope));
  }
  return end;
}

function admitted(ceiling: Ceiling, target: Target, bounds: Bounds): (scope: string) => boolean {
  switch (ceiling.kind) {
    case 'scope':
      return (scope) => ceiling.scopes.has(scope);
    case 'edge': {
      const passed = ceiling.resources.filter((entry) => entry.resource === target.identifier);
      return (scope) => passed.some((entry) => entry.scopes.has(scope));
    }
    case 'grants': {
      const open = openGrants(ceiling, target, bounds);
      return (scope) => open.some((grant) => grant.scopes.has(scope));
    }
    case 'resources': {
      const open = ceiling.ids.includes(target.id);
      return () => open;
    }
    case 'nothing':
      return () => false;
  }
}

function openGrants(
  ceiling: Extract<Ceiling, { kind: 'grants' }>,
  target: Target,
  bounds: Bounds,
): readonly GrantFacts[] {
  return bounds
    .grants(ceiling.application, target.id)
    .filter((grant) => grant.label === undefined || ceiling.labels.includes(grant.label))
    .filter((grant) => grant.expiresAt === undefined || grant.expiresAt > bounds.now);
}

function lastEnd(grants: readonly GrantFacts[], scope: string): number {
  const ends = grants
    .filter((grant) => grant.scopes.has(scope))
    .map((grant) => grant.expiresAt ?? Number.POSITIVE_INFINITY);
  return Math.max(...ends);
}
