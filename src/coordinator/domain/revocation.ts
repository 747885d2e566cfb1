/** What can be revoked; the id of each is in shapes.md's words: zone slug, object id, `sub`, `jti`, `kid`. */
export const REVOCATION_KINDS = [
  'zone',
  'application',
  'credential',
  'session',
  'delegation',
  'subject',
  'token',
  'connection',
  'key',
] as const;

export type RevocationKind = (typeof REVOCATION_KINDS)[number];

/** One anchor that ended everything under it. Times in milliseconds. */
export interface RevocationRecord {
  readonly kind: RevocationKind;
  readonly anchor: string;
  readonly reason: string;
  /** Who did it: `<admin|application|session|system>:<id>`. */
  readonly actor: string;
  readonly at: number;
  readonly epoch?: number | undefined;
  readonly expiresAt: number;
}

/** The longest life of any token (an application token), and the leeway its verifiers grant. */
const LONGEST_TOKEN_MS = 3_600_000;
const MARGIN_MS = 60_000;

/**
 * When a revocation may be forgotten: no token that it could match is accepted any more. Sessions and edges need no anchor for longer,
 * because their rows say that they have ended.
 */
export function revocationEnd(now: number): number {
  return now + LONGEST_TOKEN_MS + MARGIN_MS;
}

/** The id of a revocation in the change feed. */
export function revocationKey(kind: RevocationKind, anchor: string): string {
  return `${kind}:${anchor}`;
}

/** The parts of a {@link revocationKey}; undefined for any other text. */
export function parseRevocationKey(key: string): { kind: RevocationKind; anchor: string } | undefined {
  const at = key.indexOf(':');
  const kind = REVOCATION_KINDS.find((known) => known === key.slice(0, at));
  return kind && at > 0 ? { kind, anchor: key.slice(at + 1) } : undefined;
}
