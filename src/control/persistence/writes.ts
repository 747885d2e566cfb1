import type { ObjectLiteral } from 'typeorm';
import type { ZoneTx } from '../../platform/database/index.js';
import type { ApplicationEntity } from './entities/application.entity.js';
import type { CredentialEntity } from './entities/credential.entity.js';
import type { GrantEntity } from './entities/grant.entity.js';
import type { ProviderEntity } from './entities/provider.entity.js';
import type { ResourceEntity } from './entities/resource.entity.js';
import type { SubjectIssuerEntity } from './entities/subject-issuer.entity.js';

type ZoneObject =
  ApplicationEntity | CredentialEntity | ProviderEntity | ResourceEntity | GrantEntity | SubjectIssuerEntity;

/** Inserts the row as it is. */
export async function insertRow<Row extends ZoneObject>(tx: ZoneTx, entity: new () => Row, row: Row): Promise<void> {
  await tx.em.getRepository<ObjectLiteral>(entity).insert(row);
}

/** Writes these columns of the object with this id. */
export async function updateRow<Row extends ZoneObject>(
  tx: ZoneTx,
  entity: new () => Row,
  id: string,
  values: Partial<Row>,
): Promise<void> {
  await tx.em.getRepository<ObjectLiteral>(entity).update({ zone: tx.zone, id }, values);
}
