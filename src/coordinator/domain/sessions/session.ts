import type { JsonObject } from '../../../kernel/json.js';
import type { Lineage } from '../../../policy/index.js';

export type Lifecycle = 'task' | 'service';
export type SessionStatus = 'active' | 'suspended' | 'terminated' | 'expired';
export type SessionAuthority = 'inherit' | 'none' | 'narrowed';

/** The epochs of zone, application and subject that a session was started under. */
export interface Epochs {
  readonly z: number;
  readonly a: number;
  readonly s: number;
}

/** A session as it is stored. Its `status` is what was last written, not what holds now: see `liveStatus`. Times in milliseconds. */
export interface SessionRecord extends Pick<Lineage['current'], 'callBudgets'> {
  readonly id: string;
  readonly application: string;
  readonly credential?: string | undefined;
  readonly parent?: string | undefined;
  readonly root: string;
  /** Ids from the root to this session. */
  readonly path: readonly string[];
  readonly depth: number;
  readonly lifecycle: Lifecycle;
  readonly status: SessionStatus;
  readonly labels: readonly string[];
  readonly subject: string;
  readonly subjectType: 'application' | 'user';
  /** The person who answers for it, as whoever started the root has named them. */
  readonly sponsor?: string | undefined;
  readonly authority: SessionAuthority;
  /** The edge a narrowed session was spawned with. */
  readonly delegation?: string | undefined;
  readonly epochs: Epochs;
  readonly cnf?: JsonObject | undefined;
  readonly txn: string;
  readonly generation: number;
  readonly leaseSeconds?: number | undefined;
  readonly leaseExpiresAt?: number | undefined;
  readonly startedAt: number;
  readonly expiresAt?: number | undefined;
  readonly suspendedAt?: number | undefined;
  readonly suspendReason?: string | undefined;
  /** Suspended by an administrator or by the breaker: only an administrator lets it go on. */
  readonly held: boolean;
  readonly endedAt?: number | undefined;
  readonly endReason?: string | undefined;
}

/** A session as it is now: the stored record under everything that ends or suspends it from above. */
export interface SessionView extends SessionRecord {
  readonly status: SessionStatus;
}

/** The reason of a suspension that a missed lease caused; only such a suspension runs into the grace period's end. */
export const LEASE_MISSED = 'lease_missed';

/** True while the status can still change. */
export function isOpen(status: SessionStatus): boolean {
  return status === 'active' || status === 'suspended';
}
