/** Everyone who may read across zones. A new caller is added here, in review, or does not compile. */
export type SystemPurpose =
  | 'change-feed'
  | 'zone-list'
  | 'admin-audit'
  | 'outbox-relay'
  | 'inbox'
  | 'dead-letters'
  | 'expiry'
  | 'key-rotation'
  | 'retention'
  | 'ledger-sweep'
  | 'open-calls'
  | 'log-signing'
  | 'ledger-exports'
  | 'fingerprints'
  | 'replicas'
  | 'webhooks'
  | 'health';

/** The purposes of jobs that look through all there is, which may take them long. */
export const LONG_PURPOSES: ReadonlySet<SystemPurpose> = new Set<SystemPurpose>([
  'expiry',
  'retention',
  'ledger-sweep',
  'open-calls',
  'ledger-exports',
]);
