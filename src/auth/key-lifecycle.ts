import { Inject, Injectable } from '@nestjs/common';
import { AppError } from '../kernel/app-error.js';
import { CLOCK, type Clock } from '../kernel/clock.js';
import type { ChangeTx } from '../audit/index.js';
import { duePromotion, isOverdue, promotableAt, retirable } from './domain/key-states.js';
import type { KeyAlgorithm } from './domain/token-keys.js';
import { KeyMinting } from './key-minting.js';
import type { SigningKeyEntity } from './persistence/signing-key.entity.js';
import {
  endKey,
  factsOf,
  insertKey,
  lockKeys,
  promoteKey,
  retireKey,
  schedulePromotion,
} from './persistence/signing-keys.js';

export interface Rotation {
  /** False when the next key has not been public for long enough; it will sign at `at`. */
  readonly promoted: boolean;
  /** Milliseconds. */
  readonly at: number;
}

const NEWS = 'key.rotated';

/**
 * The life of a zone's keys, always inside a change's transaction: a key is published before it signs and stays published until
 * everything it signed has expired; a compromised one is gone at once.
 */
@Injectable()
export class KeyLifecycle {
  constructor(
    private readonly minting: KeyMinting,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** A new zone's keys: one that signs and one that is published to sign next. Belongs in the transaction that creates the zone. */
  async ensureZone(tx: ChangeTx, zone: string, alg: KeyAlgorithm = 'ES256'): Promise<void> {
    const now = this.clock.now();
    for (const state of ['active', 'next'] as const) await this.add(tx, zone, { alg, state, now });
  }

  /** Lets the next key sign: at once when every verifier can know it by now or `mode` is `now`, else as soon as that is so. */
  async rotate(tx: ChangeTx, mode: 'when_published' | 'now'): Promise<Rotation> {
    const now = this.clock.now();
    const keys = await lockKeys(tx);
    const next = keys.find((key) => key.state === 'next') ?? (await this.replaceNext(tx, keys, now));
    const at = promotableAt(factsOf(next));
    if (mode === 'now' || at <= now) {
      await this.promote(tx, keys, { next, now });
      return { promoted: true, at: now };
    }
    await schedulePromotion(tx, next.kid, at);
    tx.changed('key', next.kid);
    return { promoted: false, at };
  }

  /**
   * Ends a key now: whatever it signed is refused from the commit on. A zone whose signing key goes signs with the next one at
   * once. Throws `not_found` for a key the zone never had; a repeat changes nothing and returns false.
   */
  async revoke(tx: ChangeTx, kid: string): Promise<boolean> {
    const now = this.clock.now();
    const keys = await lockKeys(tx);
    const key = keys.find((candidate) => candidate.kid === kid);
    if (!key) throw new AppError('not_found', 'There is no such key.');
    if (key.state === 'revoked') return false;
    await endKey(tx, kid, 'revoked', now);
    tx.changed('key', kid);
    const left = keys.filter((candidate) => candidate !== key);
    const next = left.find((candidate) => candidate.state === 'next') ?? (await this.replaceNext(tx, keys, now));
    if (key.state === 'active') await this.promote(tx, left, { next, now });
    return true;
  }

  /**
   * Does what time has made due: promotes the key a rotation waits for, retires keys whose last token has expired, and begins to rotate when a key has
   * signed for `signsFor` milliseconds.
   */
  async advance(tx: ChangeTx, signsFor = Number.POSITIVE_INFINITY): Promise<void> {
    const now = this.clock.now();
    const keys = await lockKeys(tx);
    const facts = keys.map(factsOf);
    for (const { kid } of retirable(facts, now)) {
      await endKey(tx, kid, 'retired', now);
      tx.changed('key', kid);
    }
    const due = duePromotion(facts, now);
    const next = keys.find((key) => key.kid === due?.kid);
    if (next) return this.promote(tx, keys, { next, now });
    const isWaiting = facts.some(({ state, activateAfter }) => state === 'next' && activateAfter !== undefined);
    if (!isWaiting && facts.some((key) => isOverdue(key, signsFor, now))) await this.rotate(tx, 'when_published');
  }

  private async promote(
    tx: ChangeTx,
    keys: readonly SigningKeyEntity[],
    step: { next: SigningKeyEntity; now: number },
  ): Promise<void> {
    const { next, now } = step;
    const active = keys.find((key) => key.state === 'active');
    if (active) {
      await retireKey(tx, active.kid, now);
      tx.changed('key', active.kid);
    }
    await promoteKey(tx, next.kid, now);
    tx.changed('key', next.kid);
    await this.add(tx, tx.zone, { alg: next.alg, state: 'next', now });
    const detail = { kid: next.kid, ...(active ? { retiring: active.kid } : {}) };
    tx.record({ type: NEWS, occurredAt: now, actor: { kind: 'system' }, detail });
  }

  private async replaceNext(tx: ChangeTx, keys: readonly SigningKeyEntity[], now: number): Promise<SigningKeyEntity> {
    const alg = keys.at(-1)?.alg ?? 'ES256';
    const kid = await this.add(tx, tx.zone, { alg, state: 'next', now });
    const added = (await lockKeys(tx)).find((key) => key.kid === kid);
    if (!added) throw new Error('a key that was just inserted is not there');
    return added;
  }

  private async add(
    tx: ChangeTx,
    zone: string,
    made: { alg: KeyAlgorithm; state: 'next' | 'active'; now: number },
  ): Promise<string> {
    const key = await this.minting.mint(zone, made.alg);
    await insertKey(tx, key, made.state, made.now);
    tx.changed('key', key.kid);
    return key.kid;
  }
}
