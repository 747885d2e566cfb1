import type { Tx, ZoneTx } from '../../platform/database/index.js';
import {
  duePromotion,
  isOverdue,
  retirable,
  signingPeriod,
  type KeyFacts,
  type KeyState,
} from '../domain/key-states.js';
import { SigningKeyEntity } from './signing-key.entity.js';

/** A key that has just been made. */
export type NewSigningKey = Pick<SigningKeyEntity, 'kid' | 'alg' | 'publicJwk' | 'privateSealed'>;

const ENDED: readonly KeyState[] = ['retired', 'revoked'];

/** The keys of the transaction's zone that are not gone, oldest first. */
export async function readLiveKeys(tx: ZoneTx): Promise<SigningKeyEntity[]> {
  const keys = await readKeys(tx);
  return keys.filter((key) => !ENDED.includes(key.state));
}

/** Every key of the transaction's zone, oldest first. */
export function readKeys(tx: ZoneTx): Promise<SigningKeyEntity[]> {
  return tx.em
    .getRepository(SigningKeyEntity)
    .find({ where: { zone: tx.zone }, order: { createdAt: 'ASC', kid: 'ASC' } });
}

/** The same under locks, so that two rotations run one after the other. */
export function lockKeys(tx: ZoneTx): Promise<SigningKeyEntity[]> {
  const order = { createdAt: 'ASC', kid: 'ASC' } as const;
  return tx.em
    .getRepository(SigningKeyEntity)
    .find({ where: { zone: tx.zone }, order, lock: { mode: 'pessimistic_write' } });
}

export async function insertKey(tx: ZoneTx, key: NewSigningKey, state: 'next' | 'active', now: number): Promise<void> {
  const at = new Date(now);
  const activated = state === 'active' ? { activatedAt: at } : {};
  await tx.em
    .getRepository(SigningKeyEntity)
    .insert({ ...key, zone: tx.zone, state, createdAt: at, publishedAt: at, ...activated });
}

export async function promoteKey(tx: ZoneTx, kid: string, now: number): Promise<void> {
  await update(tx, kid, { state: 'active', activatedAt: new Date(now), activateAfter: null });
}

export async function retireKey(tx: ZoneTx, kid: string, now: number): Promise<void> {
  await update(tx, kid, { state: 'retiring', retiringAt: new Date(now) });
}

export async function endKey(tx: ZoneTx, kid: string, state: 'retired' | 'revoked', now: number): Promise<void> {
  await update(tx, kid, { state, endedAt: new Date(now), activateAfter: null });
}

export async function schedulePromotion(tx: ZoneTx, kid: string, at: number): Promise<void> {
  await update(tx, kid, { activateAfter: new Date(at) });
}

export function factsOf(key: SigningKeyEntity): KeyFacts {
  return {
    kid: key.kid,
    state: key.state,
    activatedAt: key.activatedAt?.getTime(),
    publishedAt: key.publishedAt.getTime(),
    activateAfter: key.activateAfter?.getTime(),
    retiringAt: key.retiringAt?.getTime(),
  };
}

/** A zone for whose keys time has made something due. */
export interface DueZone {
  readonly zone: string;
  /** How long one key signs before the next one takes over by itself, in milliseconds. */
  readonly signsFor: number;
}

/**
 * Zones with a rotation that may go on, a key whose last token has expired, or one that has signed for as long as keys do there. Archived zones sign
 * nothing, so theirs only retire.
 */
export async function zonesWithDueKeys(tx: Tx, now: number): Promise<DueZone[]> {
  const rows = await tx.query<{
    zone: string;
    kid: string;
    state: KeyState;
    published_at: Date;
    activated_at: Date | null;
    activate_after: Date | null;
    retiring_at: Date | null;
    days: number | null;
    signs: boolean;
  }>(
    `SELECT k.zone, k.kid, k.state, k.published_at, k.activated_at, k.activate_after, k.retiring_at,
       (z.settings ->> 'key_rotation_days')::integer AS days, z.status <> 'archived' AS signs
     FROM signing_keys AS k JOIN zones AS z ON z.slug = k.zone
     WHERE (k.state = 'next' AND k.activate_after IS NOT NULL) OR k.state IN ('retiring', 'active')`,
  );
  const due = new Map<string, DueZone>();
  for (const row of rows) {
    const facts = {
      kid: row.kid,
      state: row.state,
      publishedAt: row.published_at.getTime(),
      activatedAt: row.activated_at?.getTime(),
      activateAfter: row.activate_after?.getTime(),
      retiringAt: row.retiring_at?.getTime(),
    };
    const signsFor = row.signs ? signingPeriod(row.days ?? undefined) : Number.POSITIVE_INFINITY;
    const isDue =
      duePromotion([facts], now) !== undefined || retirable([facts], now).length > 0 || isOverdue(facts, signsFor, now);
    if (isDue) due.set(row.zone, { zone: row.zone, signsFor });
  }
  return [...due.values()];
}

async function update(tx: ZoneTx, kid: string, changes: Partial<SigningKeyEntity>): Promise<void> {
  await tx.em.getRepository(SigningKeyEntity).update({ zone: tx.zone, kid }, changes);
}
