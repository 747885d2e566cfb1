import type { SubjectStanding } from '../../auth/index.js';
import type { RevocationKind, RevocationRecord } from '../domain/revocation.js';

const PURGE_EVERY = 256;
const NEVER_REVOKED: SubjectStanding = Object.freeze({ epoch: 0 });

/** A zone's live revocations, complete in memory. What has run out is forgotten: no token that it could match is accepted any more. */
export class LiveRevocations {
  private readonly anchors = new Map<RevocationKind, Map<string, number>>();
  private readonly subjects = new Map<string, SubjectStanding>();
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
    return this.standing(subject).epoch;
  }

  standing(subject: string): SubjectStanding {
    return this.subjects.get(subject) ?? NEVER_REVOKED;
  }

  putSubjects(standings: ReadonlyMap<string, SubjectStanding>): void {
    for (const [subject, standing] of standings)
      if (standing.epoch > this.subjectEpoch(subject)) this.subjects.set(subject, standing);
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
