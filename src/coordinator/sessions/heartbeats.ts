import { Inject, Injectable } from '@nestjs/common';
import { AppError } from '../../kernel/app-error.js';
import { CLOCK, type Clock } from '../../kernel/clock.js';
import { Database } from '../../platform/database/index.js';
import { requireReach } from '../domain/sessions/reach.js';
import { isOpen } from '../domain/sessions/session.js';
import { renewLease } from '../persistence/session-rows.js';
import { RuntimeState } from '../state/runtime-state.js';
import { callerOf, type RuntimeCall } from './runtime-call.js';

export interface RenewedLease {
  readonly generation: number;
  /** Milliseconds. */
  readonly leaseExpiresAt: number;
}

/** Keeps services alive. A heartbeat takes no graph lock, writes no change and no ledger entry: it only moves a lease that has not passed. */
@Injectable()
export class Heartbeats {
  constructor(
    private readonly database: Database,
    private readonly runtime: RuntimeState,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** Throws `lease_lost` for another generation than the current one, `session_not_active` for a service that is suspended or has ended. */
  async renew(call: RuntimeCall, id: string, generation: number): Promise<RenewedLease> {
    const session = requireReach(callerOf(call), await this.runtime.session(call.zone, id), 'own');
    if (session.lifecycle !== 'service' || session.leaseSeconds === undefined)
      throw new AppError('invalid_transition', 'Only a service has a lease.');
    if (isOpen(session.status) && generation !== session.generation) throw leaseLost();
    if (session.status !== 'active') throw new AppError('session_not_active', `The session is ${session.status}.`);
    const now = this.clock.now();
    const until = now + session.leaseSeconds * 1000;
    const renewed = await this.database.withZone(call.zone, (tx) => renewLease(tx, id, generation, { now, until }));
    this.runtime.leaseRenewed(call.zone, id);
    if (!renewed) throw await this.refusal(call, id);
    return { generation, leaseExpiresAt: until };
  }

  /** It was taken away between the look and the update: by a resume elsewhere, or by whoever suspended or ended it. */
  private async refusal(call: RuntimeCall, id: string): Promise<AppError> {
    const session = await this.runtime.session(call.zone, id);
    return session?.status === 'active'
      ? leaseLost()
      : new AppError('session_not_active', 'The session is not active any more.');
  }
}

function leaseLost(): AppError {
  return new AppError('lease_lost', 'The lease is held under another generation.');
}
