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
