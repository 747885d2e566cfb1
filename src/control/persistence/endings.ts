import type { ZoneTx } from '../../platform/database/index.js';

/** An anchor under which everything ends, and why. */
export interface Ending {
  readonly kind: 'zone' | 'application' | 'credential';
  readonly anchor: string;
  readonly reason: string;
  /** Who ended it: `admin:<token id>` and the like. */
  readonly actor: string;
  /** The epoch from which on things are alive again; what was minted under a lower one stays ended. */
  readonly epoch?: number;
  readonly at: Date;
  readonly expiresAt: Date;
}

/** Writes the anchor; one that is there already is renewed. */
export async function writeEnding(tx: ZoneTx, ending: Ending): Promise<void> {
  await tx.query(
    `INSERT INTO revocations (zone, kind, anchor, reason, actor, at, epoch, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
     ON CONFLICT (zone, kind, anchor) DO UPDATE
       SET reason = excluded.reason, actor = excluded.actor, at = excluded.at, epoch = excluded.epoch, expires_at = excluded.expires_at`,
    [
      tx.zone,
      ending.kind,
      ending.anchor,
      ending.reason,
      ending.actor,
      ending.at,
      ending.epoch ?? null,
      ending.expiresAt,
    ],
  );
}
