import type { Database } from './database.js';

/** What comparing the secrets with the database's memory of them came to. */
export interface ComparedSecrets {
  /** Names of secrets that are others than those the database was set up with: a process with them must not run on it. */
  readonly different: readonly string[];
  /** Names of secrets that were rotated, and nobody had noticed until now: whoever is told so first is the only one who is. */
  readonly rotated: readonly string[];
}

/**
 * Compares each secret's fingerprints with the one the database keeps, and keeps those it sees for the first time. A ring whose former first key is still
 * in it was rotated; the database then remembers the new first one, unless some secret differs.
 */
export async function compareFingerprints(
  database: Database,
  fingerprints: Readonly<Record<string, readonly string[]>>,
): Promise<ComparedSecrets> {
  return database.withSystem('fingerprints', async (tx) => {
    for (const [name, [current]] of Object.entries(fingerprints)) {
      await tx.query(
        'INSERT INTO secret_fingerprints (name, fingerprint) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING',
        [name, current],
      );
    }
    const rows = await tx.query<{ name: string; fingerprint: string }>(
      'SELECT name, fingerprint FROM secret_fingerprints ORDER BY name FOR UPDATE',
    );
    const known = rows.filter((row) => row.name in fingerprints);
    const different = known.filter((row) => !fingerprints[row.name]?.includes(row.fingerprint)).map((row) => row.name);
    if (different.length > 0) return { different, rotated: [] };
    const rotated = known.filter((row) => fingerprints[row.name]?.[0] !== row.fingerprint).map((row) => row.name);
    for (const name of rotated) {
      await tx.query('UPDATE secret_fingerprints SET fingerprint = $2 WHERE name = $1', [
        name,
        fingerprints[name]?.[0],
      ]);
    }
    return { different, rotated };
  });
}
