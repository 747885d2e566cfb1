/** What a change says has changed; whoever holds a view of that kind re-reads the object. */
export type ChangeKind =
  | 'zone'
  | 'application'
  | 'credential'
  | 'provider'
  | 'resource'
  | 'grant'
  | 'policy'
  | 'key'
  | 'session'
  | 'delegation'
  | 'revocation'
  | 'invocation'
  | 'admin_token'
  | 'subject'
  | 'approval'
  | 'connection'
  | 'subject_issuer'
  | 'webhook';

/** One row of the change log. `seq` is dense per zone in commit order. */
export interface Change {
  readonly zone: string;
  readonly seq: bigint;
  readonly kind: ChangeKind;
  readonly id: string;
}

/** The PostgreSQL channel that wakes every replica's poll; a lost notification costs at most one poll interval. */
export const CHANGE_CHANNEL = 'caracal_changes';
