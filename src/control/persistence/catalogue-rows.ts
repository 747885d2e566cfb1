import { In } from 'typeorm';
import type { Database, ZoneTx } from '../../platform/database/index.js';
import type { ApplicationRow } from '../domain/application.js';
import type { CredentialRow } from '../domain/credentials/credential.js';
import type { GrantRow } from '../domain/grant.js';
import type { ProviderRow } from '../domain/providers/provider.js';
import type { ResourceRow } from '../domain/resources/resource.js';
import type { SubjectIssuerRow } from '../domain/subject-issuer.js';
import type { ZoneRow } from '../domain/zone.js';
import { ApplicationEntity } from './entities/application.entity.js';
import { CredentialEntity } from './entities/credential.entity.js';
import { GrantEntity } from './entities/grant.entity.js';
import { ProviderEntity } from './entities/provider.entity.js';
import { ResourceEntity } from './entities/resource.entity.js';
import { SubjectIssuerEntity } from './entities/subject-issuer.entity.js';
import { ZoneEntity } from './entities/zone.entity.js';

/** Rows of a zone's catalogue: all of them, or those that were asked for. */
export interface CatalogueRows {
  readonly zone?: ZoneRow;
  readonly applications: readonly ApplicationRow[];
  readonly credentials: readonly CredentialRow[];
  readonly providers: readonly ProviderRow[];
  readonly resources: readonly ResourceRow[];
  readonly grants: readonly GrantRow[];
  readonly subjectIssuers: readonly SubjectIssuerRow[];
}

/** Ids of the objects of a zone that changed, by kind. */
export interface ChangedIds {
  readonly zone: boolean;
  readonly application: readonly string[];
  readonly credential: readonly string[];
  readonly provider: readonly string[];
  readonly resource: readonly string[];
  readonly grant: readonly string[];
  readonly subjectIssuer: readonly string[];
}

/** The whole catalogue of a zone but for archived grants and subject issuers, or undefined when there is no such zone. */
export function readCatalogue(database: Database, slug: string): Promise<CatalogueRows | undefined> {
  return database.readZone(slug, async (tx) => {
    const zone = await tx.em.findOneBy(ZoneEntity, { slug });
    if (!zone) return undefined;
    return {
      zone,
      applications: await tx.em.findBy(ApplicationEntity, { zone: slug }),
      credentials: await tx.em.findBy(CredentialEntity, { zone: slug }),
      providers: await tx.em.findBy(ProviderEntity, { zone: slug }),
      resources: await tx.em.findBy(ResourceEntity, { zone: slug }),
      grants: await tx.em.findBy(GrantEntity, { zone: slug, status: 'active' }),
      subjectIssuers: await tx.em.findBy(SubjectIssuerEntity, { zone: slug, status: 'active' }),
    };
  });
}

/** The rows of these objects as they are now; one that is missing no longer exists. */
export function readChangedRows(database: Database, slug: string, changed: ChangedIds): Promise<CatalogueRows> {
  return database.readZone(slug, async (tx) => {
    const zone = changed.zone ? await tx.em.findOneBy(ZoneEntity, { slug }) : null;
    return {
      ...(zone ? { zone } : {}),
      applications: await byId(tx, ApplicationEntity, changed.application),
      credentials: await byId(tx, CredentialEntity, changed.credential),
      providers: await byId(tx, ProviderEntity, changed.provider),
      resources: await byId(tx, ResourceEntity, changed.resource),
      grants: await byId(tx, GrantEntity, changed.grant),
      subjectIssuers: await byId(tx, SubjectIssuerEntity, changed.subjectIssuer),
    };
  });
}

type ZoneObject =
  ApplicationEntity | CredentialEntity | ProviderEntity | ResourceEntity | GrantEntity | SubjectIssuerEntity;

async function byId<Row extends ZoneObject>(tx: ZoneTx, entity: new () => Row, ids: readonly string[]): Promise<Row[]> {
  if (ids.length === 0) return [];
  return tx.em.find<ZoneObject>(entity, { where: { zone: tx.zone, id: In([...ids]) } }) as Promise<Row[]>;
}
