import type { ZoneTx } from '../../platform/database/index.js';
import { slugify } from '../domain/slug.js';

const SUFFIX_LENGTH = 6;

/** A slug that resembles the name and is not taken in the zone: with the end of the id behind it when the plain one is. */
export async function freeSlug(
  tx: ZoneTx,
  table: 'applications' | 'resources',
  name: string,
  id: string,
): Promise<string> {
  const suffix = id.slice(-SUFFIX_LENGTH);
  const plain = slugify(name, suffix);
  const rows = await tx.query(`SELECT 1 FROM ${table} WHERE zone = $1 AND slug = $2`, [tx.zone, plain]);
  return rows.length === 0 ? plain : `${plain}-${suffix}`;
}
