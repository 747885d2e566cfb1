import { Inject, Injectable } from '@nestjs/common';
import { CLOCK, type Clock } from '../../kernel/clock.js';
import { AppError } from '../../kernel/app-error.js';
import { Database, type ZoneTx } from '../../platform/database/index.js';
import { type Invocation, liveInvocation } from '../domain/invocations/invocation.js';
import { requireParty } from '../domain/invocations/parties.js';
import { type InvocationFilter, listInvocations } from '../persistence/invocations/invocation-lists.js';
import { listEvents, type NumberedEvent, readInvocation } from '../persistence/invocations/invocation-rows.js';
import { callerOf, type RuntimeCall } from '../sessions/runtime-call.js';
import { RuntimeState } from '../state/runtime-state.js';
import { Invocations } from './invocations.js';

type Page = { readonly limit: number; readonly cursor?: string };

/** Reads invocations for those who look at them, as they are now. */
@Injectable()
export class InvocationReader {
  constructor(
    private readonly database: Database,
    private readonly runtime: RuntimeState,
    private readonly invocations: Invocations,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** Throws `not_found`, also for whoever is no party. */
  async get(call: RuntimeCall, id: string): Promise<Invocation> {
    const found = await this.database.readZone(call.zone, (tx) => readInvocation(tx, id));
    const above = await this.invocations.above(call, found);
    return liveInvocation(requireParty(callerOf(call), found, { act: 'read', above }), this.clock.now());
  }

  /** What became of it, the earliest first; one more than the page's limit when there are more. */
  async events(call: RuntimeCall, id: string, page: Page): Promise<NumberedEvent[]> {
    await this.get(call, id);
    const after = eventNumber(page.cursor);
    return this.database.readZone(call.zone, (tx) => listEvents(tx, id, { limit: page.limit + 1, after }));
  }

  /** To administrators. Throws `not_found`. */
  async find(zone: string, id: string): Promise<Invocation> {
    const found = await this.inZone(zone, (tx) => readInvocation(tx, id));
    if (!found) throw new AppError('not_found', 'There is no such invocation.');
    return liveInvocation(found, this.clock.now());
  }

  /** One more than the page's limit when there are more. */
  async list(zone: string, filter: InvocationFilter, page: Page): Promise<Invocation[]> {
    const now = this.clock.now();
    const slice = { limit: page.limit + 1, after: page.cursor, now };
    const rows = await this.inZone(zone, (tx) => listInvocations(tx, filter, slice));
    return rows.map((row) => liveInvocation(row, now));
  }

  private async inZone<T>(zone: string, work: (tx: ZoneTx) => Promise<T>): Promise<T> {
    await this.runtime.anchors(zone);
    return this.database.readZone(zone, work);
  }
}

function eventNumber(cursor: string | undefined): number {
  if (cursor === undefined) return 0;
  if (/^[1-9][0-9]{0,8}$/.test(cursor)) return Number(cursor);
  const errors = [{ field: 'cursor', message: 'must be the next_cursor of an earlier answer' }];
  throw new AppError('invalid_request', 'The query is not valid.', { errors });
}
