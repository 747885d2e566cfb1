import type { EndedLog } from '../../audit/index.js';
import type { ChangeTx } from '../../audit/index.js';
import { ZoneEntity } from './entities/zone.entity.js';

/** A log that nothing is signed for until an administrator has acknowledged why. */
export interface StoppedLog {
  /** What the database says was signed last. */
  readonly size: number;
  readonly root: string;
  /** What a replica remembers to have been signed, if that is why the log was stopped. */
  readonly seen?: { readonly origin: string; readonly size: number; readonly root: string };
}

interface Row {
  readonly signed_size: string | null;
  readonly root: Buffer | null;
  readonly fault: { readonly origin?: string; readonly size?: number; readonly root?: string };
}

export async function readStoppedLog(tx: ChangeTx): Promise<StoppedLog | undefined> {
  const [row] = await tx.query<Row>(
    'SELECT signed_size, root, fault FROM caracal.log_trees WHERE zone = $1 AND fault IS NOT NULL',
    [tx.zone],
  );
  if (!row) return undefined;
  const { origin, size, root } = row.fault;
  return {
    size: Number(row.signed_size ?? 0),
    root: row.root?.toString('base64') ?? '',
    ...(origin === undefined || size === undefined || root === undefined ? {} : { seen: { origin, size, root } }),
  };
}

/** Gives the log its next name, and keeps those that ended. */
export async function renameLog(
  tx: ChangeTx,
  zone: ZoneEntity,
  { origin, vkey, history }: { origin: string; vkey: string; history: readonly EndedLog[] },
): Promise<void> {
  const values = { logOrigin: origin, logVkey: vkey, logHistory: [...history], version: zone.version + 1 };
  await tx.em.update(ZoneEntity, { slug: zone.slug }, values);
}

/** Lets the log go on over the ledger as it is. */
export async function resumeLog(tx: ChangeTx): Promise<void> {
  await tx.query('SELECT caracal.log_resume($1)', [tx.zone]);
}
