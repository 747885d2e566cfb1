import { Inject, Injectable } from '@nestjs/common';
import { CLOCK, type Clock } from '../../kernel/clock.js';
import type { ChangeTx } from '../../audit/index.js';
import { revocationEnd, revocationKey, type RevocationKind } from '../domain/revocation.js';
import { readRevocation, writeRevocation } from '../persistence/revocation-rows.js';

export interface NewRevocation {
  readonly kind: RevocationKind;
  readonly id: string;
  readonly reason: string;
  /** `<admin|application|session|system>:<id>`. */
  readonly actor: string;
  readonly epoch?: number | undefined;
  /** Milliseconds: when the last thing it could match has ended, if that is later than any token's end. */
  readonly expiresAt?: number | undefined;
}

/** Writes the anchors that end authority; what they stand for ends with the commit of the caller's transaction, on this replica before it resolves. */
@Injectable()
export class Revocations {
  constructor(@Inject(CLOCK) private readonly clock: Clock) {}

  /**
   * Answers false when the anchor was there already; it is renewed then. For tokens this is all there is to do. For other kinds the caller also
   * changes the object's own row, because an anchor is forgotten when no token can match it any more.
   */
  async revoke(tx: ChangeTx, { kind, id, reason, actor, epoch, expiresAt }: NewRevocation): Promise<boolean> {
    const now = this.clock.now();
    const before = await readRevocation(tx, kind, id, now);
    const end = Math.max(expiresAt ?? 0, revocationEnd(now));
    await writeRevocation(tx, { kind, anchor: id, reason, actor, at: now, epoch, expiresAt: end });
    tx.changed('revocation', revocationKey(kind, id));
    return before === undefined;
  }
}
