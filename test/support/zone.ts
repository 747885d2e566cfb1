import type { Database } from '../../src/platform/database/index.js';

/** The rows a zone cannot be without, for tests below the administration API. */
export async function makeZone(database: Database, slug: string): Promise<void> {
  await database.withZone(slug, async (tx) => {
    await tx.query(`INSERT INTO zones (slug, id, name, log_origin, log_vkey) VALUES ($1, $2, $1, 'test', 'test')`, [
      slug,
      `zon_${slug}`,
    ]);
    await tx.query('INSERT INTO feed_head (zone) VALUES ($1)', [slug]);
    await tx.query('INSERT INTO graph_lock (zone) VALUES ($1)', [slug]);
    await tx.query('SELECT caracal.ledger_open($1)', [slug]);
  });
}
