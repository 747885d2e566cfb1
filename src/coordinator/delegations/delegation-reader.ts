import { Inject, Injectable } from '@nestjs/common';
import { AppError } from '../../kernel/app-error.js';
import { CLOCK, type Clock } from '../../kernel/clock.js';
import { Database } from '../../platform/database/index.js';
import type { DelegationView } from '../domain/delegations/delegation-record.js';
import { type DelegationFilter, listDelegations } from '../persistence/delegation-rows.js';
import { SessionGraph } from '../sessions/session-graph.js';
import { RuntimeState } from '../state/runtime-state.js';

/** Reads delegations for those who look at them; nothing is decided on what it answers. */
@Injectable()
export class DelegationReader {
  constructor(
    private readonly database: Database,
    private readonly runtime: RuntimeState,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** Throws `not_found`. */
  async get(zone: string, id: string): Promise<DelegationView> {
    const edge = await this.runtime.delegation(zone, id);
    if (!edge) throw new AppError('not_found', 'There is no such delegation.');
    return edge;
  }

  /** One more than the page's limit when there are more. */
  async list(
    zone: string,
    filter: DelegationFilter,
    page: { limit: number; cursor?: string },
  ): Promise<DelegationView[]> {
    const { at } = await this.runtime.anchors(zone);
    return this.database.readZone(zone, async (tx) => {
      const graph = new SessionGraph(tx, at(this.clock.now()));
      const rows = await listDelegations(tx, filter, { limit: page.limit + 1, after: page.cursor });
      for (const row of rows) graph.addEdge(row);
      const views: DelegationView[] = [];
      for (const row of rows) views.push((await graph.delegation(row.id)) ?? row);
      return views;
    });
  }
}
