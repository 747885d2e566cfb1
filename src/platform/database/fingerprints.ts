import type { Database } from './database.js';

/**
 * Compares each secret's fingerprint with the one the database keeps, and keeps those it sees for the first time.
 * Returns the names that differ: a process with other secrets must not run on this database.
 */
export async function compareFingerprints(
  database: Database,
  fingerprints: Readonly<Record<string, string>>,
): Promise<string[]> {
  return database.withSystem('fingerprints', async (tx) => {
    for (const [name, fingerprint] of Object.entries(fingerprints)) {
      await tx.query(
        'INSERT INTO secret_fingerprints (name, fingerprint) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING',
        [name, fingerprint],
      );
    }
    const rows = await tx.query<{ name: string; fingerprint: string }>(
      'SELECT name, fingerprint FROM secret_fingerprints',
    );
    return rows
      .filter((row) => row.name in fingerprints && fingerprints[row.name] !== row.fingerprint)
      .map((row) => row.name);
  });
}
