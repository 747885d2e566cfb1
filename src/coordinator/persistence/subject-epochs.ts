import type { SubjectStanding } from '../../auth/index.js';
import type { ZoneTx } from '../../platform/database/index.js';
import { mayBeId } from './session-rows.js';
import { SubjectEpochEntity } from './subject-epoch.entity.js';

/** Every subject of the zone that was ever revoked: its epoch, and when it was revoked last. */
export async function readSubjectEpochs(
  tx: ZoneTx,
  subjects?: readonly string[],
): Promise<Map<string, SubjectStanding>> {
  const query = tx.em
    .getRepository(SubjectEpochEntity)
    .createQueryBuilder('e')
    .where('e.zone = :zone', { zone: tx.zone });
  if (subjects) query.andWhere('e.subject = ANY (:subjects)', { subjects });
  const rows = await query.getMany();
  return new Map(rows.map((row) => [row.subject, { epoch: row.epoch, revokedAt: row.revokedAt?.getTime() }]));
}

/** Moves a subject to its next epoch and returns it: everything minted under an earlier one is revoked. */
export async function advanceSubjectEpoch(tx: ZoneTx, subject: string, at: number): Promise<number> {
  await tx.query(
    `INSERT INTO caracal.subject_epochs AS e (zone, subject, epoch, revoked_at) VALUES ($1, $2, 1, $3)
     ON CONFLICT (zone, subject) DO UPDATE SET epoch = e.epoch + 1, revoked_at = excluded.revoked_at`,
    [tx.zone, subject, new Date(at)],
  );
  return (await readSubjectEpochs(tx, [subject])).get(subject)?.epoch ?? 1;
}

/**
 * True for a subject that a session ever worked for, that is an application of the zone, or that one of its issuers may name: a user can hold
 * mandates without a session.
 */
export async function isKnownSubject(tx: ZoneTx, subject: string): Promise<boolean> {
  if (!mayBeId(subject)) return false;
  const [row] = await tx.query<{ found: boolean }>(
    `SELECT EXISTS (SELECT FROM caracal.sessions WHERE zone = $1 AND subject = $2)
         OR EXISTS (SELECT FROM caracal.applications WHERE zone = $1 AND 'app:' || id = $2)
         OR EXISTS (SELECT FROM caracal.subject_issuers WHERE zone = $1 AND starts_with($2, 'user:' || id || ':')) AS found`,
    [tx.zone, subject],
  );
  return row?.found ?? false;
}
