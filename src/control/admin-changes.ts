import { AppError } from '../kernel/app-error.js';
import type { Clock } from '../kernel/clock.js';
import type { JsonObject } from '../kernel/json.js';
import { type AdminActor, adminEntry, type ChangeRunner, type ChangeTx, type RequestOrigin } from '../audit/index.js';
import { SYSTEM_ZONE } from './domain/zone.js';
import type { EndedBy } from './kill-switch.js';
import { isRetryable, translateConflict } from './persistence/conflicts.js';
import { lockGraph, lockZone } from './persistence/locks.js';
import type { ZoneEntity } from './persistence/entities/zone.entity.js';

/** Who administers, by the credential, and what is known of the request. */
export interface AdminCall {
  readonly actor: {
    readonly id: string;
    /** Who stands behind the token, as far as it is known. */
    readonly person?: string | undefined;
    /** The zones the token is bound to; a global token is bound to none. */
    readonly zones?: ReadonlySet<string> | undefined;
    readonly capabilities: ReadonlySet<string>;
    /** Set when an agent administers; then `id` is its application. */
    readonly agent?: AdminActor['agent'];
  };
  readonly origin: RequestOrigin;
}

/** What was done to what; before and after are bodies as administrators see them, without secrets. */
export interface AdminDeed {
  /** `<area>.<action>`. */
  readonly action: string;
  /** `<kind>:<id>`. */
  readonly target: string;
  readonly before?: JsonObject;
  readonly after?: JsonObject;
  readonly detail?: JsonObject;
}

/** The transaction of one administrative change. */
export interface AdminTx extends ChangeTx {
  /** Milliseconds; the one instant of this change. */
  readonly now: number;
  readonly call: AdminCall;
  /** Records the deed in the zone's ledger, in this transaction. */
  note(deed: AdminDeed): void;
  /** This change as the reason why something ended. */
  ending(reason: string): EndedBy;
}

export interface ChangeOptions {
  /** Ends sessions or what they stand on: takes the graph lock first. */
  readonly graph?: boolean;
  /** Changes the zone's own row. */
  readonly zoneItself?: boolean;
}

/** A change that loses a deadlock to another one is run again: nothing of it has happened. */
const ATTEMPTS = 4;

/** Runs administrative changes: none under an archived zone, none without its ledger entry. */
export class AdminChanges {
  constructor(
    private readonly changes: ChangeRunner,
    private readonly clock: Clock,
    /** One where the changes are part of a larger transaction, which ends with the first of them that fails. */
    private readonly attempts = ATTEMPTS,
  ) {}

  /** Runs `work` under the zone's lock. Throws `not_found` without such a zone and `conflict` when it takes no changes any more. */
  run<T>(
    call: AdminCall,
    zone: string,
    work: (tx: AdminTx, zone: ZoneEntity) => Promise<T>,
    options: ChangeOptions = {},
  ): Promise<T> {
    if (zone === SYSTEM_ZONE)
      return Promise.reject(new AppError('conflict', 'The system zone can be read, not changed.'));
    return this.create(call, zone, async (tx) => {
      if (options.graph) await lockGraph(tx);
      const row = await lockZone(tx, options.zoneItself ? 'alone' : 'share');
      if (row.status === 'archived') throw new AppError('conflict', 'The zone is archived and takes no changes.');
      return work(tx, row);
    });
  }

  /** Runs `work` for a zone that does not exist yet and that `work` makes. */
  async create<T>(call: AdminCall, zone: string, work: (tx: AdminTx) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.changes.run(zone, (tx) => work(this.bind(call, tx)));
      } catch (error) {
        if (attempt === this.attempts || !isRetryable(error)) throw translateConflict(error);
      }
    }
  }

  private bind(call: AdminCall, tx: ChangeTx): AdminTx {
    const now = this.clock.now();
    return {
      ...tx,
      now,
      call,
      note: (deed) => tx.record(adminEntry(call.actor, call.origin, { ...deed, occurredAt: now })),
      ending: (reason) => ({
        reason,
        actor: call.actor.agent ? `app:${call.actor.id}` : `admin:${call.actor.id}`,
        now,
      }),
    };
  }
}
