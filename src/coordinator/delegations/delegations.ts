import { Inject, Injectable } from '@nestjs/common';
import { AppError } from '../../kernel/app-error.js';
import { CLOCK, type Clock } from '../../kernel/clock.js';
import type { JsonObject } from '../../kernel/json.js';
import type { ChangeTx } from '../../audit/index.js';
import type { DelegationRecord, DelegationView } from '../domain/delegations/delegation-record.js';
import { delegationEntry } from '../domain/entries.js';
import { effectiveLimits, requireRoom } from '../domain/sessions/limits.js';
import { byIdentifier, type NamedResource } from '../domain/delegations/named-resources.js';
import { requireActive } from '../domain/sessions/session-start.js';
import { countOutgoing } from '../persistence/delegation-rows.js';
import { GraphChanges } from '../graph-changes.js';
import { initiatorOf, type RuntimeCall } from '../sessions/runtime-call.js';
import { SessionGraph } from '../sessions/session-graph.js';
import { type Anchors, RuntimeState } from '../state/runtime-state.js';
import { endEdge } from './end-edges.js';
import { makeEdge } from './make-edge.js';

export interface DelegateRequest {
  readonly target: string;
  readonly resources: readonly NamedResource[];
  readonly ttlSeconds: number;
  readonly hops?: number | undefined;
  readonly parent?: string | undefined;
  readonly constraints: JsonObject;
}

/** Delegations from one session to another. Every change is made under the zone's graph lock. */
@Injectable()
export class Delegations {
  constructor(
    private readonly graph: GraphChanges,
    private readonly runtime: RuntimeState,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** Passes on part of what the bearer's session holds. Throws `access_denied` for a token without a session. */
  async create(call: RuntimeCall, asked: DelegateRequest): Promise<DelegationRecord> {
    const { sid } = call.claims;
    if (sid === undefined)
      throw new AppError('access_denied', 'Only a session passes authority on; present its token.');
    const anchors = await this.runtime.anchors(call.zone);
    return this.graph.run(call.zone, 'growing', async (tx) => {
      return this.place(tx, anchors, { call, sid, asked });
    });
  }

  /** The delegation as it is now, to the applications at its ends. */
  async get(call: RuntimeCall, id: string): Promise<DelegationView> {
    return requireParty(call, await this.runtime.delegation(call.zone, id));
  }

  /** Ends a delegation and everything passed on from it. Of one that has ended it changes nothing. Only its source side may. */
  async revoke(call: RuntimeCall, id: string, terminateTargets: boolean): Promise<DelegationView> {
    const { at } = await this.runtime.anchors(call.zone);
    return this.graph.run(call.zone, 'ending', async (tx) => {
      const facts = at(this.clock.now());
      const edge = requireParty(call, await new SessionGraph(tx, facts).delegation(id));
      const { client_id: application, sid } = call.claims;
      const isSource = sid === undefined ? edge.sourceApplication === application : edge.source === sid;
      if (!isSource)
        throw new AppError(
          'access_denied',
          'Only the session that passed it on, or its application, may take it back.',
        );
      const ending = { reason: 'requested', by: initiatorOf(call), now: facts.now, terminateTargets };
      await endEdge(tx, new SessionGraph(tx, facts), edge, ending);
      return (await new SessionGraph(tx, facts).delegation(id)) ?? edge;
    });
  }

  private async place(
    tx: ChangeTx,
    { view, at }: Anchors,
    what: { call: RuntimeCall; sid: string; asked: DelegateRequest },
  ): Promise<DelegationRecord> {
    const { call, sid, asked } = what;
    const graph = new SessionGraph(tx, at(this.clock.now()));
    const [source, target] = [await graph.session(sid), await graph.session(asked.target)];
    if (!source || !target) throw new AppError('not_found', 'There is no such session.');
    requireActive(source);
    requireActive(target);
    const limits = effectiveLimits(view.settings.limits, view.application(source.application)?.limits);
    requireRoom(limits, 'delegations_per_session', await countOutgoing(tx, sid, graph.now));
    const resources = byIdentifier(asked.resources, (name) => view.resourceByTarget(name));
    const edge = await makeEdge(tx, { graph, granted: view }, { ...asked, resources, source, target, spawned: false });
    tx.changed('session', target.id);
    tx.record(delegationEntry('created', edge, initiatorOf(call), { at: graph.now, txn: source.txn }));
    return edge;
  }
}

/** Source and target applications know of an edge; to anybody else it does not exist. */
export function requireParty(call: RuntimeCall, edge: DelegationView | undefined): DelegationView {
  const application = call.claims.client_id;
  if (!edge || (edge.sourceApplication !== application && edge.targetApplication !== application)) {
    throw new AppError('not_found', 'There is no such delegation.');
  }
  return edge;
}
