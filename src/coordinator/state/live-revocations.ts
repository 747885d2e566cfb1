import type { RevocationKind, RevocationRecord } from '../domain/revocation.js';

const PURGE_EVERY = 256;

/** A zone's live revocations, complete in memory. What has run out is forgotten: no token that it could match is accepted any more. */
export class LiveRevocations {
  private readonly anchors = new Map<RevocationKind, Map<string, number>>();
  private readonly subjects = new Map<string, number>();
  private sincePurge = 0;

  put(revocation: Pick<RevocationRecord, 'kind' | 'anchor' | 'expiresAt'>, now: number): void {
    const anchors = this.anchors.get(revocation.kind) ?? new Map<string, number>();
    anchors.set(revocation.anchor, Math.max(revocation.expiresAt, anchors.get(revocation.anchor) ?? 0));
    this.anchors.set(revocation.kind, anchors);
    this.sincePurge += 1;
    if (this.sincePurge >= PURGE_EVERY) this.purge(now);
  }

  has(kind: RevocationKind, anchor: string, now: number): boolean {
    const expiresAt = this.anchors.get(kind)?.get(anchor);
    return expiresAt !== undefined && expiresAt > now;
  }

  /** The epoch of a subject; 0 for one that was never revoked. Unlike anchors, epochs are never forgotten. */
  subjectEpoch(subject: string): number {
    return this.subjects.get(subject) ?? 0;
  }

  putSubjects(epochs: ReadonlyMap<string, number>): void {
    for (const [subject, epoch] of epochs) this.subjects.set(subject, Math.max(epoch, this.subjectEpoch(subject)));
  }

  get size(): number {
    return [...this.anchors.values()].reduce((sum, anchors) => sum + anchors.size, 0);
  }

  private purge(now: number): void {
    this.sincePurge = 0;
    for (const anchors of this.anchors.values()) {
      for (const [anchor, expiresAt] of anchors) if (expiresAt <= now) anchors.delete(anchor);
    }
  }
}
