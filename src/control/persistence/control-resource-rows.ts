import type { Database, ZoneTx } from '../../platform/database/index.js';
import type { DeclaredScope } from '../domain/resources/resource.js';
import { ResourceEntity } from './entities/resource.entity.js';

export interface ControlRow {
  readonly id: string;
  readonly slug: string;
  readonly identifier: string;
  readonly scopes: readonly DeclaredScope[];
  readonly at: Date;
}

/** Every zone that takes changes. */
export async function changeableZones(database: Database): Promise<string[]> {
  const sql = `SELECT slug FROM caracal.zones WHERE status <> 'archived' AND slug <> '_system' ORDER BY slug`;
  const rows = await database.querySystem<{ slug: string }>('zone-list', sql);
  return rows.map((row) => row.slug);
}

/** True when the zone's control resource is there with exactly these scopes. */
export async function declaresControl(
  database: Database,
  zone: string,
  { slug, scopes }: Pick<ControlRow, 'slug' | 'scopes'>,
): Promise<boolean> {
  const row = await database.readZone(zone, (tx) => tx.em.findOneBy(ResourceEntity, { zone, slug }));
  const named = (all: readonly DeclaredScope[]): string => all.map(({ name }) => name).join(' ');
  return row !== null && named(row.scopes) === named(scopes);
}

/** Makes the zone's control resource or gives the one there is these scopes; answers its id. Call it under the zone's lock. */
export async function declareControl(tx: ZoneTx, row: ControlRow): Promise<string> {
  const found = await tx.em.findOneBy(ResourceEntity, { zone: tx.zone, slug: row.slug });
  if (found) {
    await tx.em.update(
      ResourceEntity,
      { zone: tx.zone, id: found.id },
      { scopes: [...row.scopes], updatedAt: row.at, version: found.version + 1 },
    );
    return found.id;
  }
  await tx.em.insert(ResourceEntity, {
    zone: tx.zone,
    id: row.id,
    slug: row.slug,
    identifier: row.identifier,
    name: 'Control',
    upstreamUrl: null,
    enforcement: 'direct',
    scopes: [...row.scopes],
    operations: [],
    provider: null,
    egress: {},
    limits: {},
    options: {},
    serverApplication: null,
    status: 'active',
    createdAt: row.at,
    updatedAt: row.at,
    archivedAt: null,
    version: 1,
  });
  return row.id;
}
