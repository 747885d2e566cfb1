import type { ZoneTx } from '../../platform/database/index.js';
import type { StoredZoneSettings } from '../domain/zone-settings.js';
import { ZoneEntity } from './entities/zone.entity.js';

export interface ZoneValues {
  readonly id: string;
  readonly name: string;
  readonly settings: StoredZoneSettings;
  readonly logOrigin: string;
  readonly logVkey: string;
  readonly at: Date;
}

/** The rows a zone cannot be without: itself, its feed head, its graph lock and its ledger. A taken slug violates `zones_pkey`. */
export async function createZoneRows(tx: ZoneTx, { at, ...values }: ZoneValues): Promise<ZoneEntity> {
  const zone = {
    slug: tx.zone,
    ...values,
    status: 'active',
    epoch: 0,
    createdAt: at,
    updatedAt: at,
    archivedAt: null,
    version: 1,
  } as const;
  await tx.em.insert(ZoneEntity, { ...zone, logHistory: [], logRetiredKeys: [] });
  await tx.query('INSERT INTO feed_head (zone) VALUES ($1)', [tx.zone]);
  await tx.query('INSERT INTO graph_lock (zone) VALUES ($1)', [tx.zone]);
  await tx.query('SELECT caracal.ledger_open($1)', [tx.zone]);
  return tx.em.findOneByOrFail(ZoneEntity, { slug: tx.zone });
}
