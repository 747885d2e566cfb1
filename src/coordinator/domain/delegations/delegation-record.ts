import type { JsonObject } from '../../../kernel/json.js';
import type { DelegationEdge } from '../../../policy/index.js';

/** A resource, by identifier, and the scopes that an edge passes on there. */
export type ScopedResource = DelegationEdge['resources'][number];

/** A delegation as it is stored. Its `status` is what was last written: see `liveEdgeStatus`. */
export interface DelegationRecord extends DelegationEdge {
  /** Known members: `operations`, `not_before`, `max_calls`. */
  readonly constraints: JsonObject;
  /** Made by starting a narrowed child; it is not presented but carried by the child's tokens. */
  readonly spawned: boolean;
  readonly createdAt: number;
  readonly endedAt?: number | undefined;
  readonly endReason?: string | undefined;
}

/** A delegation as it is now, under the edges above it. */
export type DelegationView = DelegationRecord;

/**
 * What a delegation is now, given its path from the first edge to itself. An edge whose path holds a revoked one is revoked, one whose path
 * holds an ended one has expired. It says nothing about the sessions at its ends.
 */
export function liveEdge(path: readonly DelegationRecord[], now: number): DelegationView {
  const edge = path.at(-1);
  if (!edge) throw new TypeError('a path ends with its edge');
  if (edge.status !== 'active') return edge;
  const revoked = path.find((upper) => upper.status === 'revoked');
  if (revoked) return { ...edge, status: 'revoked', endedAt: revoked.endedAt, endReason: 'ancestor_revoked' };
  const end = Math.min(
    ...path.map((upper) => (upper.status === 'expired' ? (upper.endedAt ?? upper.expiresAt) : upper.expiresAt)),
  );
  return end <= now ? { ...edge, status: 'expired', endedAt: end, endReason: 'ttl' } : edge;
}
