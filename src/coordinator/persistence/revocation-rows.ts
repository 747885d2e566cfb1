import { MoreThan } from 'typeorm';
import type { ZoneTx } from '../../platform/database/index.js';
import { parseRevocationKey, type RevocationKind, type RevocationRecord } from '../domain/revocation.js';
import { RevocationEntity } from './revocation.entity.js';

/** Writes an anchor; one that is there already is renewed and keeps who did it first. */
export async function writeRevocation(tx: ZoneTx, revocation: RevocationRecord): Promise<void> {
  await tx.query(
    `INSERT INTO caracal.revocations AS r (zone, kind, anchor, reason, actor, at, epoch, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
     ON CONFLICT (zone, kind, anchor) DO UPDATE SET epoch = greatest(r.epoch, excluded.epoch), expires_at = greatest(r.expires_at, excluded.expires_at)`,
    [
      tx.zone,
      revocation.kind,
      revocation.anchor,
      revocation.reason,
      revocation.actor,
      new Date(revocation.at),
      revocation.epoch ?? null,
      new Date(revocation.expiresAt),
    ],
  );
}

/** The anchor as it stands; undefined when there is none or it has run out. */
export async function readRevocation(
  tx: ZoneTx,
  kind: RevocationKind,
  anchor: string,
  now: number,
): Promise<RevocationRecord | undefined> {
  const row = await tx.em.getRepository(RevocationEntity).findOneBy({ zone: tx.zone, kind, anchor });
  return row && row.expiresAt.getTime() > now ? toRecord(row) : undefined;
}

/** Every revocation of the zone that some token could still match. */
export async function readLiveRevocations(tx: ZoneTx, now: number): Promise<RevocationRecord[]> {
  const rows = await tx.em
    .getRepository(RevocationEntity)
    .findBy({ zone: tx.zone, expiresAt: MoreThan(new Date(now)) });
  return rows.map(toRecord);
}

/** The rows that these change-feed ids name; undefined when one of them is no such id, so that all must be read. */
export async function readRevocationsByKey(
  tx: ZoneTx,
  keys: readonly string[],
): Promise<RevocationRecord[] | undefined> {
  const anchors = keys.map(parseRevocationKey);
  if (anchors.some((anchor) => anchor === undefined)) return undefined;
  const rows = await tx.em
    .getRepository(RevocationEntity)
    .createQueryBuilder('r')
    .where('r.zone = :zone AND (r.kind, r.anchor) IN (SELECT * FROM unnest(:kinds::text[], :anchors::text[]))', {
      zone: tx.zone,
      kinds: anchors.map((anchor) => anchor?.kind),
      anchors: anchors.map((anchor) => anchor?.anchor),
    })
    .getMany();
  return rows.map(toRecord);
}

export async function listRevocations(
  tx: ZoneTx,
  kind: RevocationKind | undefined,
  page: { limit: number; after?: readonly [kind: string, anchor: string] | undefined },
): Promise<RevocationRecord[]> {
  const query = tx.em
    .getRepository(RevocationEntity)
    .createQueryBuilder('r')
    .where('r.zone = :zone', { zone: tx.zone });
  if (kind !== undefined) query.andWhere('r.kind = :kind', { kind });
  if (page.after)
    query.andWhere('(r.kind, r.anchor) > (:afterKind, :afterAnchor)', {
      afterKind: page.after[0],
      afterAnchor: page.after[1],
    });
  return (await query.orderBy('r.kind').addOrderBy('r.anchor').limit(page.limit).getMany()).map(toRecord);
}

function toRecord(row: RevocationEntity): RevocationRecord {
  return {
    kind: row.kind,
    anchor: row.anchor,
    reason: row.reason,
    actor: row.actor,
    at: row.at.getTime(),
    epoch: row.epoch ?? undefined,
    expiresAt: row.expiresAt.getTime(),
  };
}
