import type { JsonObject, JsonValue } from '../../kernel/json.js';
import { formatScope } from '../../kernel/scopes.js';
import { formatTime } from '../../kernel/times.js';
import type { GraphOfDelegation } from '../delegations/delegation-graph.js';
import type { DelegationView } from '../domain/delegations/delegation-record.js';
import type { RevocationRecord } from '../domain/revocation.js';
import type { ShownSession, TreeNode } from '../sessions/session-reader.js';

/** A session as callers see it. */
export function sessionBody({ session, limits }: ShownSession): JsonObject {
  return {
    id: session.id,
    lifecycle: session.lifecycle,
    status: session.status,
    application: session.application,
    parent: session.parent ?? null,
    root: session.root,
    depth: session.depth,
    labels: session.labels,
    metadata: session.metadata,
    subject: session.subject,
    subject_type: session.subjectType,
    sponsor: session.sponsor ?? null,
    authority: session.authority,
    ...maxCalls(session),
    started_at: formatTime(session.startedAt),
    ...time('expires_at', session.expiresAt),
    ...time('lease_expires_at', session.leaseExpiresAt),
    generation: session.generation,
    ...(session.delegation === undefined ? {} : { delegation: session.delegation }),
    ...(session.status === 'suspended'
      ? { ...time('suspended_at', session.suspendedAt), suspend_reason: session.suspendReason ?? null }
      : {}),
    ended_at: timeOrNull(session.endedAt),
    end_reason: session.endReason ?? null,
    limits: { ...limits },
  };
}

/** A session with everything below it; `authority` is what it really has. */
export function treeBody(node: TreeNode): JsonObject {
  return { session: { ...sessionBody(node), authority: node.authority }, children: node.children.map(treeBody) };
}

export function delegationBody(edge: DelegationView): JsonObject {
  return {
    id: edge.id,
    status: edge.status,
    source: edge.source,
    target: edge.target,
    source_application: edge.sourceApplication,
    target_application: edge.targetApplication,
    parent: edge.parent ?? null,
    path: edge.path,
    resources: edge.resources.map((entry) => ({ resource: entry.resource, scopes: scopesOf(entry.scopes) })),
    hops_remaining: edge.hopsRemaining,
    constraints: edge.constraints,
    spawned: edge.spawned,
    created_at: formatTime(edge.createdAt),
    expires_at: formatTime(edge.expiresAt),
    ended_at: timeOrNull(edge.endedAt),
    end_reason: edge.endReason ?? null,
  };
}

export function graphBody({ nodes, edges, effective, why }: GraphOfDelegation): JsonObject {
  return {
    nodes: nodes.map((node) => ({ session: node.id, application: node.application, status: node.status })),
    edges: edges.map(delegationBody),
    effective: effective.map(({ resource, scopes, expiresAt }) => ({
      resource,
      scopes,
      ...time('expires_at', Number.isFinite(expiresAt) ? expiresAt : undefined),
    })),
    why,
  };
}

export function revocationBody(revocation: RevocationRecord): JsonObject {
  const { kind, anchor, reason, actor, at } = revocation;
  return { kind, id: anchor, reason, actor, at: formatTime(at) };
}

function maxCalls({ id, callBudgets = [] }: ShownSession['session']): JsonObject {
  const own = callBudgets.find(({ session }) => session === id);
  return own === undefined ? {} : { max_calls: own.max };
}

function scopesOf(scopes: ReadonlySet<string>): string[] {
  return formatScope(scopes).split(' ');
}

function time(name: string, ms: number | undefined): JsonObject {
  return ms === undefined ? {} : { [name]: formatTime(ms) };
}

function timeOrNull(ms: number | undefined): JsonValue {
  return ms === undefined ? null : formatTime(ms);
}
