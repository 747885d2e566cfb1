import type { DelegationRecord } from '../../src/coordinator/domain/delegations/delegation-record.js';
import type { StatusFacts } from '../../src/coordinator/domain/sessions/live-status.js';
import type { SessionRecord } from '../../src/coordinator/domain/sessions/session.js';

export const NOW = 1_700_000_000_000;

/** A live task session at the root; `above` puts it below another one. */
export function sessionRecord(id: string, members: Partial<SessionRecord> = {}, above?: SessionRecord): SessionRecord {
  return {
    id,
    application: 'app_a',
    credential: 'crd_a',
    parent: above?.id,
    root: above?.root ?? id,
    path: [...(above?.path ?? []), id],
    depth: (above?.depth ?? -1) + 1,
    lifecycle: 'task',
    status: 'active',
    held: false,
    labels: [],
    subject: 'app:app_a',
    subjectType: 'application',
    authority: 'inherit',
    epochs: { z: 0, a: 0, s: 0 },
    txn: 'txn_1',
    generation: 1,
    startedAt: NOW - 1_000,
    expiresAt: NOW + 600_000,
    ...members,
  };
}

export function serviceRecord(id: string, members: Partial<SessionRecord> = {}, above?: SessionRecord): SessionRecord {
  const lease = {
    lifecycle: 'service',
    leaseSeconds: 120,
    leaseExpiresAt: NOW + 120_000,
    expiresAt: undefined,
  } as const;
  return sessionRecord(id, { ...lease, ...members }, above);
}

/** A live edge between two sessions; `above` is the edge it continues. */
export function delegationRecord(
  id: string,
  ends: readonly [source: string, target: string],
  members: Partial<DelegationRecord> = {},
  above?: DelegationRecord,
): DelegationRecord {
  return {
    id,
    source: ends[0],
    target: ends[1],
    sourceApplication: 'app_a',
    targetApplication: 'app_a',
    parent: above?.id,
    path: [...(above?.path ?? []), id],
    resources: [{ resource: 'https://mail.example', scopes: new Set(['read']) }],
    constraints: {},
    hopsRemaining: 0,
    status: 'active',
    spawned: false,
    createdAt: NOW - 1_000,
    expiresAt: NOW + 300_000,
    ...members,
  };
}

export function statusFacts(members: Partial<StatusFacts> = {}): StatusFacts {
  return { now: NOW, graceMs: 600_000, endedBy: () => undefined, ...members };
}
