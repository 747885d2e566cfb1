import { AppError } from '../../kernel/app-error.js';
import type { JsonObject } from '../../kernel/json.js';
import type { ScopeSet } from '../../kernel/scopes.js';
import type { ChangeTx } from '../../audit/index.js';
import { newId } from '../../platform/ids/index.js';
import type { Lineage } from '../../policy/index.js';
import { type Granted, heldUnder, lineageIfAny, lineageOf } from '../domain/delegations/authority.js';
import { parseConstraints } from '../domain/delegations/constraints.js';
import type { DelegationRecord, ScopedResource } from '../domain/delegations/delegation-record.js';
import { covers, passOn } from '../domain/delegations/pass-on.js';
import { edgeEnd, pathEnd } from '../domain/sessions/session-start.js';
import { inboundIds, insertDelegation, reachableFrom } from '../persistence/delegation-rows.js';
import type { StoredSession } from '../persistence/session-rows.js';
import type { SessionGraph } from '../sessions/session-graph.js';

export interface EdgeRequest {
  /** Omitted: a fresh one. */
  readonly id?: string | undefined;
  readonly source: StoredSession;
  readonly target: StoredSession;
  readonly resources: readonly ScopedResource[];
  readonly ttlSeconds?: number | undefined;
  readonly hops?: number | undefined;
  /** The inbound edge to pass on; undefined lets the source's own authority count first. */
  readonly parent?: string | undefined;
  readonly constraints: JsonObject;
  readonly spawned: boolean;
}

interface Scene {
  readonly graph: SessionGraph;
  readonly granted: Granted;
}

interface Way {
  readonly lineage: Lineage;
  readonly held: (resource: string) => ScopeSet;
}

/**
 * Makes an edge in the caller's transaction. The caller holds the graph lock and has checked that both sessions are active; here it is checked
 * that the source holds what it passes on and that nothing widens.
 */
export async function makeEdge(tx: ChangeTx, scene: Scene, asked: EdgeRequest): Promise<DelegationRecord> {
  const { graph } = scene;
  const { source, target } = asked;
  const way = await chooseWay(tx, scene, asked);
  const sourceEnds = pathEnd((await graph.sessionPath(source.id)) ?? [source]);
  const targetEnds = pathEnd((await graph.sessionPath(target.id)) ?? [target]);
  const nearestEnds = way.lineage.edges[0]?.expiresAt ?? Number.POSITIVE_INFINITY;
  const expiresAt = edgeEnd(graph.now, asked.ttlSeconds, [sourceEnds, targetEnds, nearestEnds]);
  const outgoing = asked.spawned ? new Map<string, string[]>() : await reachableFrom(tx, target.id, graph.now);
  const placed = passOn(
    { source: source.id, target: target.id, resources: asked.resources, hops: asked.hops, expiresAt },
    { now: graph.now, ...way, sourceEnds, targetEnds, outgoing: (session) => outgoing.get(session) ?? [] },
  );
  const id = asked.id ?? newId('del');
  const edge: DelegationRecord = {
    id,
    source: source.id,
    target: target.id,
    sourceApplication: source.application,
    targetApplication: target.application,
    ...(placed.parent === undefined ? {} : { parent: placed.parent }),
    path: [...placed.above, id],
    resources: asked.resources,
    constraints: asked.constraints,
    ...parseConstraints(asked.constraints),
    hopsRemaining: placed.hopsRemaining,
    status: 'active',
    spawned: asked.spawned,
    createdAt: graph.now,
    expiresAt,
  };
  await insertDelegation(tx, edge);
  graph.addEdge(edge);
  tx.changed('delegation', id);
  return edge;
}

/** The named edge; else the source's own authority when that covers what is passed on; else the only inbound edge that does. */
async function chooseWay(tx: ChangeTx, scene: Scene, { source, parent, resources }: EdgeRequest): Promise<Way> {
  const { graph, granted } = scene;
  if (parent !== undefined) {
    return wayOf(await lineageOf(graph, { session: source.id, delegation: parent }, graph.now), granted, graph.now);
  }
  const own = await covering(scene, { session: source.id }, resources);
  if (own) return own;
  const inbound = (await inboundIds(tx, [source.id])).get(source.id) ?? [];
  const ways = await Promise.all(
    inbound.map((id) => covering(scene, { session: source.id, delegation: id }, resources)),
  );
  const [only, other] = ways.filter((way) => way !== undefined);
  if (!only) throw new AppError('authority_exceeded', 'The session does not hold what it would pass on.');
  if (!other) return only;
  const errors = [{ field: 'parent', message: 'is needed here' }];
  throw new AppError('invalid_request', 'Several delegations cover this; name one.', { errors });
}

/** The way that a session would use its authority, when that covers what is to be passed on. */
async function covering(
  { graph, granted }: Scene,
  start: { session: string; delegation?: string },
  resources: readonly ScopedResource[],
): Promise<Way | undefined> {
  const lineage = await lineageIfAny(graph, start, graph.now);
  const way = lineage && wayOf(lineage, granted, graph.now);
  return way && covers(resources, way.held) ? way : undefined;
}

function wayOf(lineage: Lineage, granted: Granted, now: number): Way {
  return { lineage, held: heldUnder(lineage, granted, now) };
}
