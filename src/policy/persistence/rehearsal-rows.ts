import type { Database, ZoneTx } from '../../platform/database/index.js';
import { RehearsalEntity } from './rehearsal.entity.js';

/** Rehearsals that a zone keeps besides the newest one. */
const KEPT = 20;

/** Keeps a new rehearsal and forgets those that are too many, the oldest first. */
export async function insertRehearsal(tx: ZoneTx, row: RehearsalEntity): Promise<void> {
  await tx.query(
    `DELETE FROM rehearsals WHERE zone = $1 AND status <> 'running' AND id NOT IN
       (SELECT id FROM rehearsals WHERE zone = $1 AND status <> 'running' ORDER BY id DESC LIMIT $2)`,
    [tx.zone, KEPT],
  );
  await tx.em.getRepository(RehearsalEntity).insert(row);
}

export function findRehearsal(database: Database, zone: string, id: string): Promise<RehearsalEntity | null> {
  return database.readZone(zone, (tx) => tx.em.getRepository(RehearsalEntity).findOneBy({ zone, id }));
}

/** How far it is, or how it ended. One that has ended stays as it is. */
export function updateRehearsal(
  database: Database,
  { zone, id }: RehearsalEntity,
  values: Partial<Pick<RehearsalEntity, 'status' | 'atIndex' | 'report' | 'finishedAt'>>,
): Promise<void> {
  return database.withZone(zone, async (tx) => {
    await tx.em.getRepository(RehearsalEntity).update({ zone, id, status: 'running' }, values);
  });
}

/** How many run in the zone. */
export async function countRunning(tx: ZoneTx): Promise<number> {
  return tx.em.getRepository(RehearsalEntity).countBy({ zone: tx.zone, status: 'running' });
}
