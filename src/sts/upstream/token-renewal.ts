import { Inject, Injectable } from '@nestjs/common';
import { setTimeout as pause } from 'node:timers/promises';
import { CLOCK, type Clock } from '../../kernel/clock.js';
import { Database } from '../../platform/database/index.js';
import { newUuid } from '../../platform/ids/index.js';
import { type IssuedToken, type TokenFault, type TokenOutcome } from '../domain/upstream/token-answer.js';
import { backOff, stillWorks } from '../domain/upstream/token-row.js';
import {
  type Claim,
  claimToken,
  evictToken,
  failToken,
  keepToken,
  type Lease,
} from '../persistence/upstream-tokens.js';
import { ConnectionRecords } from './connection-records.js';
import { SealedTokens } from './sealed-tokens.js';
import { ENDPOINT_TIMEOUT_MS } from './token-endpoint-client.js';
import { NO_REFRESH_TOKEN, TokenGrants } from './token-grants.js';
import type { TokenPlace } from './token-place.js';
import { UpstreamTokenError } from './upstream-token-error.js';

/** A token as the database holds it now. */
export interface HeldToken {
  readonly value: string;
  readonly generation: number;
  /** Until it expires; undefined when it does not. */
  readonly remainingMs: number | undefined;
}

/** Longer than the two exchanges that the holder may need: who has not come back by then is dead. */
export const LEASE_MS = 2 * ENDPOINT_TIMEOUT_MS + 5_000;
/** Nobody waits for others' renewals and back-off for longer. */
const PATIENCE_MS = LEASE_MS + 5_000;
const LOOK_AGAIN_MS = 60;
/** A back-off up to this is waited out, a longer one refuses at once. */
const WAIT_OUT_MS = 2_000;
/** A transient failure that came this soon is tried once more under the same lease. */
const SOON_MS = 1_000;
const SECOND_TRY_MS = 150;
/** An upstream that does not say how long a client's token lives. */
const UNSAID_LIFE_S = 300;

/**
 * Obtains tokens so that, over all replicas, one asks the upstream and the others wait for what it gets: a lease in the row says who, a generation
 * that is compared on writing says whether it still was them. Who waited reads again before asking.
 */
@Injectable()
export class TokenRenewal {
  constructor(
    private readonly database: Database,
    private readonly grants: TokenGrants,
    private readonly records: ConnectionRecords,
    private readonly sealed: SealedTokens,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** Throws {@link UpstreamTokenError}. */
  async obtain(place: TokenPlace): Promise<HeldToken> {
    const deadline = this.clock.monotonic() + PATIENCE_MS;
    while (this.clock.monotonic() < deadline) {
      const holder = newUuid();
      const claim = await this.database.withZone(place.zone, (tx) => claimToken(tx, place.key, holder, LEASE_MS));
      const held = await this.act(place, claim, holder);
      if (held) return held;
    }
    throw new UpstreamTokenError('renewal_took_too_long');
  }

  /** Takes the token out of use that the upstream refused. */
  async evict(place: TokenPlace, generation: number): Promise<void> {
    await this.database.withZone(place.zone, (tx) => evictToken(tx, place.key, generation));
  }

  /** Undefined: look again. */
  private async act(place: TokenPlace, claim: Claim, holder: string): Promise<HeldToken | undefined> {
    const { verdict } = claim;
    switch (verdict.do) {
      case 'use':
        return this.open(place, claim);
      case 'renew':
        return this.renew(place, claim, { holder, generation: claim.row.generation });
      case 'wait':
        await pause(LOOK_AGAIN_MS);
        return undefined;
      case 'back_off':
        if (stillWorks(claim.row, place.key.basis, claim.now)) return this.open(place, claim);
        if (verdict.ms > WAIT_OUT_MS) throw new UpstreamTokenError(verdict.fault);
        await pause(verdict.ms + 1);
        return undefined;
    }
  }

  private async renew(place: TokenPlace, claim: Claim, lease: Lease): Promise<HeldToken | undefined> {
    const outcome = await this.ask(place).catch(async (cause: unknown) => {
      await this.fail(place, claim, { lease, fault: { fault: 'transient', code: 'unexpected' } });
      throw new UpstreamTokenError('unexpected', { cause });
    });
    if ('token' in outcome) return this.keep(place, outcome.token, lease);
    const works = stillWorks(claim.row, place.key.basis, claim.now);
    if (
      outcome.fault === 'spent' &&
      place.key.connection !== undefined &&
      !(works && outcome.code === NO_REFRESH_TOKEN)
    ) {
      await this.records.break(place.zone, place.key.connection, outcome.code);
      throw new UpstreamTokenError(outcome.code);
    }
    await this.fail(place, claim, { lease, fault: outcome });
    if (works && outcome.fault !== 'permanent') return this.open(place, claim);
    throw new UpstreamTokenError(outcome.code);
  }

  private async ask(place: TokenPlace): Promise<TokenOutcome> {
    const startedAt = this.clock.monotonic();
    const outcome = await this.grants.request(place);
    if (!('fault' in outcome) || outcome.fault !== 'transient' || (outcome.retryAfterMs ?? 0) > 0) return outcome;
    if (this.clock.monotonic() - startedAt > SOON_MS) return outcome;
    await pause(SECOND_TRY_MS);
    return this.grants.request(place);
  }

  private async keep({ zone, key }: TokenPlace, issued: IssuedToken, lease: Lease): Promise<HeldToken | undefined> {
    const lifeMs = lifeOf(issued, key.connection);
    const kept =
      key.connection === undefined
        ? await this.database.withZone(zone, (tx) => {
            const sealed = this.sealed.sealAccess(zone, key, lease.generation + 1, issued.accessToken);
            return keepToken(tx, key, lease, { sealed, lifeMs });
          })
        : await this.records.refresh(zone, key, lease, { issued, lifeMs });
    return kept ? { value: issued.accessToken, generation: lease.generation + 1, remainingMs: lifeMs } : undefined;
  }

  private async fail(
    { zone, key }: TokenPlace,
    { row }: Claim,
    { lease, fault }: { readonly lease: Lease; readonly fault: TokenFault },
  ): Promise<void> {
    const failures = (row.basis === key.basis ? row.failures : 0) + 1;
    const delayMs = backOff(fault.fault === 'transient' ? 'transient' : 'permanent', failures, fault.retryAfterMs);
    await this.database.withZone(zone, (tx) => failToken(tx, key, lease, { fault: fault.code, failures, delayMs }));
  }

  private open({ zone, key }: TokenPlace, { row, now }: Claim): HeldToken {
    try {
      return {
        value: this.sealed.openAccess(zone, key, row.generation, row.accessSealed ?? Buffer.alloc(0)),
        generation: row.generation,
        remainingMs: row.expiresAt === undefined ? undefined : row.expiresAt - now,
      };
    } catch (cause) {
      throw new UpstreamTokenError('the token does not open', { cause });
    }
  }
}

/** A connected account whose token has no stated end keeps it until the upstream refuses it; a client's own token is asked for anew. */
function lifeOf({ expiresIn }: IssuedToken, connection: string | undefined): number | undefined {
  if (expiresIn !== undefined) return expiresIn * 1_000;
  return connection === undefined ? UNSAID_LIFE_S * 1_000 : undefined;
}
