import type { ChangeTx } from '../../audit/index.js';
import type { FederatedUser } from '../../auth/index.js';
import type { ApplicationView, SessionLimits, ZoneView } from '../../control/index.js';
import { newId, newUuid } from '../../platform/ids/index.js';
import { makeEdge } from '../delegations/make-edge.js';
import { RunawayError, spawnTrips } from '../domain/breaker.js';
import type { DelegationRecord } from '../domain/delegations/delegation-record.js';
import { type AskedStart, longestLife, withBlueprint } from '../domain/sessions/blueprint.js';
import { effectiveLimits, requireDepth, requireRoom } from '../domain/sessions/limits.js';
import { byIdentifier } from '../domain/delegations/named-resources.js';
import { newSession, type NarrowedStart, requireMeaningful, requireSponsor } from '../domain/sessions/new-session.js';
import { requireReach } from '../domain/sessions/reach.js';
import { lifeOf, pathEnd, requireActive, requireLabels } from '../domain/sessions/session-start.js';
import {
  type CountScope,
  type HeldSessions,
  livingSessions,
  openSessions,
  recentStarts,
} from '../persistence/session-counts.js';
import { insertSession, type StoredSession } from '../persistence/session-rows.js';
import { callerOf, type RuntimeCall } from './runtime-call.js';
import type { DetailedSession, SessionGraph } from './session-graph.js';
import { invalidSubject } from './subject-proofs.js';

/** What one start knows once it holds the graph lock. */
export interface StartScene {
  readonly call: RuntimeCall;
  readonly view: ZoneView;
  readonly application: ApplicationView;
  readonly graph: SessionGraph;
  readonly subjectEpoch: (subject: string) => number;
  /** The user that the request's proof is of. */
  readonly user?: FederatedUser | undefined;
}

export interface Placed {
  readonly session: StoredSession;
  /** The edge a narrowed child was started with. */
  readonly edge?: DelegationRecord | undefined;
}

/** Writes a new session, and its edge when it is narrowed, after every check that needs the graph to stand still. */
export async function placeSession(tx: ChangeTx, scene: StartScene, asked: AskedStart): Promise<Placed> {
  const { call, view, application, graph, user } = scene;
  const parent = await requireParent(scene, asked.parent);
  const request = withBlueprint(asked, application.blueprint, parent !== undefined);
  requireMeaningful(request, parent !== undefined);
  requireSponsor(request, parent, view.settings.sponsor);
  requireLabels(request.labels, application.allowedLabels, call.claims.sid === undefined ? undefined : parent?.labels);
  await requireSpace(tx, scene, parent);
  if (user) spendProof(tx, scene, user);
  const latest = await latestEnd(scene, parent);
  const session = newSession(request, {
    id: newId('ses'),
    delegation: typeof request.authority === 'object' ? newId('del') : undefined,
    application: application.id,
    credential: call.claims.crd,
    parent,
    user,
    life: lifeOf({ ...request, usualSeconds: application.blueprint.ttl_seconds }, graph.now, latest),
    epochs: { z: view.epoch, a: application.epoch },
    subjectEpoch: scene.subjectEpoch,
    now: graph.now,
    txn: newUuid(),
  });
  await insertSession(tx, session);
  graph.addSession(session);
  tx.changed('session', session.id);
  if (typeof request.authority !== 'object' || !parent) return { session };
  return { session, edge: await narrow(tx, scene, { parent, session, asked: request.authority.narrow }) };
}

/** When a new session must have ended: with what is above it, by the cap on its subject's proof, and by its application's longest life. */
async function latestEnd(
  { graph, user, application }: StartScene,
  parent: DetailedSession | undefined,
): Promise<number> {
  const above = parent ? pathEnd((await graph.sessionPath(parent.id)) ?? []) : Number.POSITIVE_INFINITY;
  return Math.min(above, user?.sessionEnd ?? Number.POSITIVE_INFINITY, longestLife(application.blueprint, graph.now));
}

/** One id_token opens one session, and none when its subject was revoked since it was verified. */
function spendProof(tx: ChangeTx, { subjectEpoch }: StartScene, user: FederatedUser): void {
  if (subjectEpoch(user.subject) !== user.epoch) throw invalidSubject('revoked');
  tx.claim(user.once, () => invalidSubject('replayed'));
}

/** A session token starts children of its own session, whether it names the parent or not. */
async function requireParent({ call, graph }: StartScene, named?: string): Promise<DetailedSession | undefined> {
  const id = named ?? call.claims.sid;
  if (id === undefined) return undefined;
  const parent = requireReach(callerOf(call), await graph.session(id), 'start_child');
  requireActive(parent);
  return parent;
}

async function requireSpace(
  tx: ChangeTx,
  { application, view, graph }: StartScene,
  parent: DetailedSession | undefined,
): Promise<void> {
  const limits = effectiveLimits(view.settings.limits, application.limits);
  requireDepth(limits, parent ? parent.depth + 1 : 0);
  const scope: CountScope = {
    application: application.id,
    parent: parent?.id,
    root: parent?.root,
    now: graph.now,
    zoneEpoch: view.epoch,
  };
  const { breaker } = view.settings;
  const open = await openSessions(tx, scope);
  // Something is full, unless part of it is dead and only waits to be settled.
  const full = !hasRoom(limits, open) || open.children >= (breaker.fan_out ?? Infinity);
  const held = (full ? await livingSessions(tx, scope) : undefined) ?? open;
  const most = { spawned: limits.spawn_per_minute, tree: breaker.spawns_per_minute ?? 0 };
  const recent = await recentStarts(tx, scope, most);
  if (parent) requireCalm(view, parent, { children: held.children, tree: recent.tree });
  requireRoom(limits, 'spawn_per_minute', recent.spawned);
  requireRoom(limits, 'children_per_session', held.children);
  requireRoom(limits, 'sessions_per_application', held.application);
  requireRoom(limits, 'sessions_per_zone', held.zone);
}

/** A tree that runs away is not only refused one more session; the caller suspends it. */
function requireCalm(
  { settings }: ZoneView,
  parent: DetailedSession,
  { children, tree }: { readonly children: number; readonly tree: number },
): void {
  const passed = spawnTrips(settings.breaker, { depth: parent.depth + 1, fanOut: children + 1, spawned: tree + 1 });
  if (passed !== undefined) throw new RunawayError(parent.root, passed);
}

function hasRoom(limits: SessionLimits, { children, application, zone }: HeldSessions): boolean {
  return (
    children < limits.children_per_session &&
    application < limits.sessions_per_application &&
    zone < limits.sessions_per_zone
  );
}

async function narrow(
  tx: ChangeTx,
  { view, graph }: StartScene,
  child: { parent: StoredSession; session: StoredSession; asked: NarrowedStart },
): Promise<DelegationRecord> {
  const { parent, session, asked } = child;
  const resources = byIdentifier(asked.resources, (target) => view.resourceByTarget(target));
  return makeEdge(
    tx,
    { graph, granted: view },
    {
      id: session.delegation,
      source: parent,
      target: session,
      resources,
      ttlSeconds: asked.ttlSeconds,
      hops: asked.hops,
      constraints: {},
      spawned: true,
    },
  );
}
