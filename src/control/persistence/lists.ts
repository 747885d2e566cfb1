import { In, IsNull, MoreThan, Not, type FindOptionsWhere } from 'typeorm';
import { AppError } from '../../kernel/app-error.js';
import type { Database } from '../../platform/database/index.js';
import type { ApplicationEntity } from './entities/application.entity.js';
import type { CredentialEntity } from './entities/credential.entity.js';
import type { GrantEntity } from './entities/grant.entity.js';
import type { ProviderEntity } from './entities/provider.entity.js';
import type { ResourceEntity } from './entities/resource.entity.js';
import type { SubjectIssuerEntity } from './entities/subject-issuer.entity.js';
import { ZoneEntity } from './entities/zone.entity.js';
import { isObjectId } from '../domain/object-id.js';
import { SYSTEM_ZONE } from '../domain/zone.js';

type ZoneObject =
  ApplicationEntity | CredentialEntity | ProviderEntity | ResourceEntity | GrantEntity | SubjectIssuerEntity;

/** At most `limit` rows after the id `cursor`. Ids sort by time of creation, so a list goes on where it stopped whatever is added. */
export interface Slice {
  readonly limit: number;
  readonly cursor?: string;
}

/** One row more than the slice's limit when there is more; archived ones only when their status is asked for. */
export function listObjects<Row extends ZoneObject>(
  database: Database,
  entity: new () => Row,
  zone: string,
  query: { readonly slice: Slice; readonly where: Readonly<Record<string, unknown>> },
): Promise<Row[]> {
  const where = { zone, ...query.where, ...after(query.slice) } as FindOptionsWhere<ZoneObject>;
  return database.readZone(zone, (tx) =>
    tx.em.find<ZoneObject>(entity, { where, order: { id: 'ASC' }, take: query.slice.limit + 1 }),
  ) as Promise<Row[]>;
}

/** The object; throws `not_found`. */
export async function getObject<Row extends ZoneObject>(
  database: Database,
  entity: new () => Row,
  zone: string,
  id: string,
): Promise<Row> {
  const row =
    isObjectId(id) && (await database.readZone(zone, (tx) => tx.em.findOneBy<ZoneObject>(entity, { zone, id })));
  if (!row) throw new AppError('not_found', 'There is no such object.');
  return row as Row;
}

/** Zones but for the system's, only those named when names are given. Zones have no row-level security. */
export function listZones(
  database: Database,
  query: { slice: Slice; status?: string | undefined; only?: readonly string[] | undefined },
): Promise<ZoneEntity[]> {
  const where = {
    slug: query.only ? In([...query.only]) : Not(SYSTEM_ZONE),
    status: query.status ?? Not('archived'),
    ...after(query.slice),
  } as FindOptionsWhere<ZoneEntity>;
  return database.readZone('', (tx) =>
    tx.em.find(ZoneEntity, { where, order: { id: 'ASC' }, take: query.slice.limit + 1 }),
  );
}

/** The zone, the system's included; throws `not_found`. */
export async function getZone(database: Database, slug: string): Promise<ZoneEntity> {
  const zone = await database.readZone(slug, (tx) => tx.em.findOneBy(ZoneEntity, { slug }));
  if (!zone) throw new AppError('not_found', 'There is no such zone.');
  return zone;
}

/** The filter of a list of credentials. */
export const NOT_REVOKED: Readonly<Record<string, unknown>> = Object.freeze({ revokedAt: IsNull() });

/** What a list's `status` filter means: without one, everything that is not archived. */
export function statusFilter(status: string | undefined): Readonly<Record<string, unknown>> {
  return { status: status ?? Not('archived') };
}

function after({ cursor }: Slice): { id?: unknown } {
  return cursor === undefined ? {} : { id: MoreThan(cursor) };
}
