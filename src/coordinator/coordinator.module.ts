import { Global, Module } from '@nestjs/common';
import { TOKEN_STATUS } from '../auth/index.js';
import { RuntimeApprovals } from './approvals/runtime-approvals.js';
import { ApprovalsController } from './http/approvals.controller.js';
import { DelegationGraph } from './delegations/delegation-graph.js';
import { DelegationReader } from './delegations/delegation-reader.js';
import { Delegations } from './delegations/delegations.js';
import { GraphChanges } from './graph-changes.js';
import { AdminDelegationsController } from './http/admin-delegations.controller.js';
import { AdminInvocationsController } from './http/admin-invocations.controller.js';
import { AdminRevocationsController } from './http/admin-revocations.controller.js';
import { AdminSessionsController } from './http/admin-sessions.controller.js';
import { DelegationsController } from './http/delegations.controller.js';
import { InvocationsController } from './http/invocations.controller.js';
import { SessionsController } from './http/sessions.controller.js';
import { Assignments } from './invocations/assignments.js';
import { InvocationReader } from './invocations/invocation-reader.js';
import { Invocations } from './invocations/invocations.js';
import { InvocationUpkeep } from './jobs/invocation-upkeep.js';
import { LifecycleJobs } from './jobs/lifecycle-jobs.js';
import { Settlement } from './jobs/settlement.js';
import { RevocationAdministration } from './revocations/administration.js';
import { AnchorEndings } from './revocations/anchor-endings.js';
import { Revocations } from './revocations/revocations.js';
import { Heartbeats } from './sessions/heartbeats.js';
import { RunawayBreaker } from './sessions/runaway-breaker.js';
import { SessionAdministration } from './sessions/session-administration.js';
import { SessionLifecycle } from './sessions/session-lifecycle.js';
import { SessionReader } from './sessions/session-reader.js';
import { SessionStarter } from './sessions/session-starter.js';
import { SessionTokens } from './sessions/session-tokens.js';
import { SubjectProofs } from './sessions/subject-proofs.js';
import { RuntimeState } from './state/runtime-state.js';

/** Sessions, the delegation graph and revocation. Global, because the guards of every route ask it whether a token's authority still holds. */
@Global()
@Module({
  controllers: [
    SessionsController,
    DelegationsController,
    ApprovalsController,
    InvocationsController,
    AdminSessionsController,
    AdminDelegationsController,
    AdminRevocationsController,
    AdminInvocationsController,
  ],
  providers: [
    GraphChanges,
    RuntimeApprovals,
    RuntimeState,
    { provide: TOKEN_STATUS, useExisting: RuntimeState },
    Revocations,
    AnchorEndings,
    RevocationAdministration,
    SessionStarter,
    SessionLifecycle,
    SessionAdministration,
    RunawayBreaker,
    SessionTokens,
    SubjectProofs,
    SessionReader,
    Heartbeats,
    Delegations,
    DelegationReader,
    DelegationGraph,
    Invocations,
    InvocationReader,
    Assignments,
    InvocationUpkeep,
    Settlement,
    LifecycleJobs,
  ],
  exports: [RuntimeState, Revocations, RevocationAdministration, SubjectProofs, TOKEN_STATUS, RunawayBreaker],
})
export class CoordinatorModule {}
