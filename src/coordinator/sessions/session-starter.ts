import { Inject, Injectable } from '@nestjs/common';
import { AppError } from '../../kernel/app-error.js';
import { CLOCK, type Clock } from '../../kernel/clock.js';
import type { ChangeTx } from '../../audit/index.js';
import type { TokenClaims } from '../../auth/index.js';
import type { SessionLimits } from '../../control/index.js';
import { RunawayError } from '../domain/breaker.js';
import { delegationEntry, sessionEntry } from '../domain/entries.js';
import { effectiveLimits } from '../domain/sessions/limits.js';
import type { AskedStart } from '../domain/sessions/blueprint.js';
import { ancestorTokens } from '../domain/sessions/session-claims.js';
import { GraphChanges } from '../graph-changes.js';
import { RuntimeState } from '../state/runtime-state.js';
import { placeSession, type Placed, type StartScene } from './place-session.js';
import { RunawayBreaker } from './runaway-breaker.js';
import { initiatorOf, type RuntimeCall } from './runtime-call.js';
import { type DetailedSession, SessionGraph } from './session-graph.js';
import { type IssuedToken, SessionTokens } from './session-tokens.js';
import { SubjectProofs } from './subject-proofs.js';

export interface StartedSession {
  readonly session: DetailedSession;
  readonly limits: SessionLimits;
  readonly issued: IssuedToken;
}

/** Starts sessions. What a child may do is checked under the same lock that ends its ancestors. */
@Injectable()
export class SessionStarter {
  constructor(
    private readonly graph: GraphChanges,
    private readonly runtime: RuntimeState,
    private readonly tokens: SessionTokens,
    private readonly proofs: SubjectProofs,
    private readonly breaker: RunawayBreaker,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  async start(call: RuntimeCall, request: AskedStart): Promise<StartedSession> {
    const count = this.runtime.revocationCount(call.zone);
    const { view, at, subjectEpoch } = await this.runtime.anchors(call.zone);
    const application = view.application(call.claims.client_id);
    if (!application) throw new AppError('not_found', 'There is no such application.');
    // The network is asked before the graph is held.
    const user =
      request.subject && (await this.proofs.require(view, request.subject, application.id, this.clock.now()));
    const started = this.graph.run(call.zone, 'growing', async (tx) => {
      const scene: StartScene = {
        call,
        view,
        application,
        graph: new SessionGraph(tx, at(this.clock.now())),
        subjectEpoch,
        user,
      };
      const placed = await placeSession(tx, scene, request);
      return { session: placed.session, claims: await this.record(tx, scene, placed) };
    });
    const { session, claims } = await started.catch((error: unknown) => this.runaway(call.zone, error));
    const issued = await this.tokens.release(claims, count);
    return { session, limits: effectiveLimits(view.settings.limits, application.limits), issued };
  }

  /** The tree of a spawn that the breaker has refused is suspended before that is answered. */
  private async runaway(zone: string, error: unknown): Promise<never> {
    if (!(error instanceof RunawayError)) throw error;
    await this.breaker.trip(zone, error.root, error.passed);
    throw new AppError('limit_exceeded', 'The tree of sessions runs away; it was suspended.', {
      members: { limit: `breaker.${error.passed}` },
    });
  }

  /** The entries that name the session, its edge and its first token. */
  private async record(
    tx: ChangeTx,
    { call, view, graph }: StartScene,
    { session, edge }: Placed,
  ): Promise<TokenClaims> {
    const parents = ancestorTokens(call.claims);
    const claims = await this.tokens.prepare(session, { view, source: graph, now: graph.now, parents });
    const by = initiatorOf(call);
    tx.record(sessionEntry('started', session, by, { at: graph.now, token: { jti: claims.jti, exp: claims.exp } }));
    if (edge) tx.record(delegationEntry('created', edge, by, { at: graph.now, txn: session.txn }));
    return claims;
  }
}
