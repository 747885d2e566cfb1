import type { PolicyEntity } from '../persistence/policy.entity.js';
import type { JsonObject } from '../../kernel/json.js';
import type { RehearsalEntity } from '../persistence/rehearsal.entity.js';
import type { PolicySetEntity } from '../persistence/policy-set.entity.js';

export interface PolicyView {
  readonly id: string;
  readonly name: string;
  readonly version: number;
  readonly cedar: string;
  readonly created_at: string;
}

export interface PolicySetView {
  readonly version: number;
  readonly status: string;
  readonly policies: readonly string[];
  readonly tests: readonly object[];
  readonly created_at: string;
  readonly activated_at: string | null;
}

/** A policy as administrators see it; the text is as it was written. */
export function policyView(policy: PolicyEntity): PolicyView {
  const { id, name, version, cedar } = policy;
  return { id, name, version, cedar, created_at: policy.createdAt.toISOString() };
}

/** A policy set as administrators see it. */
export function policySetView(set: PolicySetEntity): PolicySetView {
  const { version, status, policies, tests } = set;
  return {
    version,
    status,
    policies,
    tests,
    created_at: set.createdAt.toISOString(),
    activated_at: set.activatedAt?.toISOString() ?? null,
  };
}

/** A rehearsal that runs as a job: how far it is, and with its end the report. */
export function rehearsalView(row: RehearsalEntity): JsonObject {
  const { id, status, firstIndex, endIndex, atIndex, report } = row;
  return {
    id,
    status,
    from: firstIndex,
    to: endIndex,
    progress: { done: atIndex - firstIndex, total: endIndex - firstIndex },
    created_at: row.createdAt.toISOString(),
    ...(row.finishedAt === null ? {} : { finished_at: row.finishedAt.toISOString() }),
    ...(report === null ? {} : (report as unknown as JsonObject)),
  };
}
