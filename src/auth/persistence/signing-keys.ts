import type { Tx, ZoneTx } from '../../platform/database/index.js';
import { duePromotion, retirable, type KeyFacts, type KeyState } from '../domain/key-states.js';
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
    publishedAt: key.publishedAt.getTime(),
    activateAfter: key.activateAfter?.getTime(),
    retiringAt: key.retiringAt?.getTime(),
  };
}

/** The zones in which a key is due to sign or to go. */
export async function zonesWithDueKeys(tx: Tx, now: number): Promise<string[]> {
  const rows = await tx.query<{
    zone: string;
    kid: string;
    state: KeyState;
    published_at: Date;
    activate_after: Date | null;
    retiring_at: Date | null;
  }>(
    `SELECT zone, kid, state, published_at, activate_after, retiring_at FROM signing_keys
     WHERE (state = 'next' AND activate_after IS NOT NULL) OR state = 'retiring'`,
  );
  const due = rows.filter((row) => {
    const facts = [
      {
        kid: row.kid,
        state: row.state,
        publishedAt: row.published_at.getTime(),
        activateAfter: row.activate_after?.getTime(),
        retiringAt: row.retiring_at?.getTime(),
      },
    ];
    return duePromotion(facts, now) !== undefined || retirable(facts, now).length > 0;
  });
  return [...new Set(due.map((row) => row.zone))];
}

async function update(tx: ZoneTx, kid: string, changes: Partial<SigningKeyEntity>): Promise<void> {
  await tx.em.getRepository(SigningKeyEntity).update({ zone: tx.zone, kid }, changes);
}
