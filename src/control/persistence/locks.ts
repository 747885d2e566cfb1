import { AppError } from '../../kernel/app-error.js';
import type { ZoneTx } from '../../platform/database/index.js';
import type { ApplicationEntity } from './entities/application.entity.js';
import type { CredentialEntity } from './entities/credential.entity.js';
import type { GrantEntity } from './entities/grant.entity.js';
import type { ProviderEntity } from './entities/provider.entity.js';
import type { ResourceEntity } from './entities/resource.entity.js';
import type { SubjectIssuerEntity } from './entities/subject-issuer.entity.js';
import { isObjectId } from '../domain/object-id.js';
import { ZoneEntity } from './entities/zone.entity.js';

type ZoneObject =
  ApplicationEntity | CredentialEntity | ProviderEntity | ResourceEntity | GrantEntity | SubjectIssuerEntity;

/** Holds the zone's session and delegation graph: no session starts while what it stands on is being ended. First in the lock order. */
export async function lockGraph(tx: ZoneTx): Promise<void> {
  await tx.query('SELECT zone FROM caracal.graph_lock WHERE zone = $1 FOR UPDATE', [tx.zone]);
}

/** One who applies a configuration at a time. */
export async function lockConfiguration(tx: ZoneTx): Promise<void> {
  await tx.query(`SELECT pg_advisory_xact_lock(hashtextextended('caracal.configuration', 0))`);
}

/** The zone with its graph, when it is there: nobody else changes anything under it until the transaction ends. */
export async function lockZoneWhole(tx: ZoneTx): Promise<void> {
  await lockGraph(tx);
  await tx.query('SELECT slug FROM caracal.zones WHERE slug = $1 FOR UPDATE', [tx.zone]);
}

/** The zone as it stays until the transaction ends: shared among changes under it, alone for a change of the zone itself. */
export async function lockZone(tx: ZoneTx, mode: 'share' | 'alone'): Promise<ZoneEntity> {
  const zone = await tx.em.findOne(ZoneEntity, {
    where: { slug: tx.zone },
    lock: { mode: mode === 'share' ? 'pessimistic_read' : 'pessimistic_write' },
  });
  if (!zone) throw new AppError('not_found', 'There is no such zone.');
  return zone;
}

/** The object under a lock of its own, for changing it; throws `not_found`. */
export async function lockObject<Row extends ZoneObject>(tx: ZoneTx, entity: new () => Row, id: string): Promise<Row> {
  const row = await find(tx, entity, id, 'pessimistic_write');
  if (!row) throw new AppError('not_found', 'There is no such object.');
  return row;
}

/** The object as it stays until the transaction ends, for referring to it; undefined when there is none. */
export function holdObject<Row extends ZoneObject>(
  tx: ZoneTx,
  entity: new () => Row,
  id: string,
): Promise<Row | undefined> {
  return find(tx, entity, id, 'pessimistic_read');
}

async function find<Row extends ZoneObject>(
  tx: ZoneTx,
  entity: new () => Row,
  id: string,
  mode: 'pessimistic_read' | 'pessimistic_write',
): Promise<Row | undefined> {
  if (!isObjectId(id)) return undefined;
  const row = await tx.em.findOne<ZoneObject>(entity, { where: { zone: tx.zone, id }, lock: { mode } });
  return (row as Row | null) ?? undefined;
}
