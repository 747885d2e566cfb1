import { Inject, Injectable } from '@nestjs/common';
import { type Approval, ApprovalDecisions, ApprovalView, Holds } from '../../control/index.js';
import { AppError } from '../../kernel/app-error.js';
import { CLOCK, type Clock } from '../../kernel/clock.js';
import { isId } from '../../kernel/ids.js';
import { type ApprovalCaller, type ApprovalRole, approvalRole } from '../domain/approval-role.js';
import { initiatorOf, type RuntimeCall } from '../sessions/runtime-call.js';
import { RuntimeState } from '../state/runtime-state.js';

/** An approval with what the caller is to it. */
export interface SeenApproval {
  readonly approval: Approval;
  readonly role: Exclude<ApprovalRole, 'side' | 'stranger'>;
  readonly now: number;
}

/** What a person decides about work that is done for them. */
export interface SubjectDecision {
  readonly decision: 'approve' | 'deny';
  /** What was shown. */
  readonly binding: string;
  readonly reason?: string | undefined;
}

/** Approvals, for those who raised them and for the people that the work is for. */
@Injectable()
export class RuntimeApprovals {
  constructor(
    private readonly holds: Holds,
    private readonly view: ApprovalView,
    private readonly decisions: ApprovalDecisions,
    private readonly runtime: RuntimeState,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** The approval, when it is still as it was after `waitMs` at the latest. Throws `not_found` to everybody it is not for. */
  async get(
    call: RuntimeCall,
    id: string,
    wait: { readonly ms: number; readonly gone: AbortSignal },
  ): Promise<SeenApproval> {
    const { approval, role } = await this.find(call, id);
    if (role === 'side') throw noSuchApproval();
    const { status } = approval;
    const pending = status === 'pending' && wait.ms > 0;
    const later = pending ? await this.view.waitWhile(call.zone, id, { status, ...wait }) : approval;
    return { approval: later ?? approval, role, now: this.clock.now() };
  }

  /** Throws `access_denied` to everybody on the requester's side, and `not_found` to those it is no business of. */
  async decide(call: RuntimeCall, id: string, asked: SubjectDecision): Promise<SeenApproval> {
    const { role } = await this.find(call, id);
    if (role !== 'approver') throw new AppError('access_denied', 'Nobody decides a request of their own.');
    const { actor, origin } = initiatorOf(call);
    const verdict = { ...asked, approver: call.claims.sub };
    const approval = await this.decisions.asSubject(call.zone, id, verdict, { actor, origin });
    return { approval, role, now: this.clock.now() };
  }

  private async find(
    call: RuntimeCall,
    id: string,
  ): Promise<{ readonly approval: Approval; readonly role: Exclude<ApprovalRole, 'stranger'> }> {
    const caller = await this.caller(call);
    const approval = isId('apr', id) ? await this.holds.get(call.zone, id) : undefined;
    if (!approval) throw noSuchApproval();
    const raiser = approval.session === undefined ? undefined : await this.runtime.session(call.zone, approval.session);
    const role = approvalRole(approval, raiser?.path ?? [], caller);
    if (role === 'stranger') throw noSuchApproval();
    return { approval, role };
  }

  /** Throws `session_not_active`: a suspended session is read and resumed, nothing else. */
  private async caller({ zone, claims }: RuntimeCall): Promise<ApprovalCaller> {
    const { client_id: application, sub, sub_type: subType, sid } = claims;
    if (sid === undefined) return { application, sub, subType };
    const session = await this.runtime.session(zone, sid);
    if (session?.status !== 'active') throw new AppError('session_not_active', 'The session is not active.');
    return { application, sub, subType, session: { id: sid, root: session.root } };
  }
}

function noSuchApproval(): AppError {
  return new AppError('not_found', 'There is no such approval.');
}
