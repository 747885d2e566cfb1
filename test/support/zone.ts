import type { LogIdentity } from '../../src/audit/log/log-identity.js';
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

/** The same, with a log that this identity signs. */
export async function makeLoggedZone(database: Database, slug: string, identity: LogIdentity): Promise<void> {
  await makeZone(database, slug);
  const origin = identity.origin(slug);
  const log = [slug, origin, identity.verifierKey(origin)];
  await database.withZone(slug, (tx) =>
    tx.query('UPDATE zones SET log_origin = $2, log_vkey = $3 WHERE slug = $1', log),
  );
}
