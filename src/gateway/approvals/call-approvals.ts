import { Inject, Injectable } from '@nestjs/common';
import { type Approval, holdBody, Holds, type HeldWork } from '../../control/index.js';
import { AppError } from '../../kernel/app-error.js';
import { CLOCK, type Clock } from '../../kernel/clock.js';
import { CallAuthority, type CallQuestion, type Permission } from '../call-authority.js';
import type { CallNotes } from '../call-notes.js';
import { GatewayError } from '../domain/gateway-error.js';
import { HeldCall } from '../domain/held-call.js';
import { hasBody, type Incoming, openBody } from '../http/incoming.js';
import { heldOperation } from './held-operation.js';

/** A body that an approval binds is held in memory. */
const LONGEST_BOUND_BODY = 4_194_304;

/** A call that is about to be decided, with what a hold of it would bind. */
export interface PermitRequest {
  readonly question: CallQuestion;
  readonly notes: CallNotes;
  readonly incoming: Incoming;
  /** The raw query with its `?`; empty without one. */
  readonly query: string;
  /** The body, when it was read already. */
  readonly body: Buffer | undefined;
  readonly maxBodyBytes: number;
  /** Milliseconds; the instant of the decision. */
  readonly now: number;
}

/** A call that may be made. */
export interface Permitted {
  readonly permission: Permission;
  /** Asked about the call again, this is what confirms it. */
  readonly question: CallQuestion;
  /** These very bytes are forwarded, when they were read. */
  readonly body: Buffer | undefined;
  /** How it was asked for, to ask again. */
  readonly request: PermitRequest;
}

/** Calls that people have to approve: held, and let through once when the same call comes again. */
@Injectable()
export class CallApprovals {
  constructor(
    private readonly authority: CallAuthority,
    private readonly holds: Holds,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** Refuses with `approval_required` and a hold, with `access_denied` after a denial, and like {@link CallAuthority.decide}. */
  async permit(asked: PermitRequest): Promise<Permitted> {
    const { question, now, body } = asked;
    try {
      return { permission: await this.authority.decide(question, now), question, body, request: asked };
    } catch (error) {
      if (!(error instanceof HeldCall)) throw error;
      return this.held(asked, error);
    }
  }

  /** Somebody else used the approval up a moment ago: this call waits for one of its own. */
  async again(asked: PermitRequest): Promise<never> {
    await this.permit({ ...asked, now: this.clock.now() });
    throw new GatewayError('access_denied', { reasons: ['forbidden'] });
  }

  private async held(asked: PermitRequest, held: HeldCall): Promise<Permitted> {
    const body = await boundBody(asked);
    const work = workOf({ ...asked, body }, held);
    const latest = await this.holds.latest(work);
    if (latest?.status === 'approved') return this.approved({ ...asked, body }, latest);
    if (latest?.status === 'denied' && latest.expiresAt > asked.now) throw denied(asked, latest);
    throw await this.raise(asked, held, work);
  }

  private async approved(asked: PermitRequest, approval: Approval): Promise<Permitted> {
    asked.notes.add({ approval: approval.id });
    const before = await this.authority.approvedBefore(asked.question);
    const rules = new Set([...approval.requirements.map((required) => required.rule), ...(before?.rules ?? [])]);
    const question: CallQuestion = { ...asked.question, approved: { rules: [...rules], operation: true } };
    try {
      const permission = await this.authority.decide(question, asked.now);
      return { permission: { ...permission, approval }, question, body: asked.body, request: asked };
    } catch (error) {
      // What stands in the way now is something that nobody was asked about.
      throw error instanceof HeldCall ? new GatewayError('access_denied', { reasons: ['forbidden'] }) : error;
    }
  }

  private async raise(
    { question, notes, now, incoming }: PermitRequest,
    held: HeldCall,
    work: HeldWork,
  ): Promise<GatewayError> {
    const { decision, requesters } = held;
    notes.add({ policy: decision.policy, scopes: [...decision.scopes].sort() });
    const { actor } = notes.draft('gateway.request');
    try {
      const approval = await this.holds.raise(question.zone, {
        work,
        origin: 'gateway',
        required: decision.required,
        determining: decision.policy.determining,
        ...requesters,
        txn: question.token.claims.txn,
        cause: { actor, origin: incoming.facts, at: now },
      });
      notes.add({ approval: approval.id });
      const { status: _pending, ...reference } = holdBody(approval, now);
      return new GatewayError('approval_required', {
        reasons: held.reasons,
        members: { approval: reference },
      });
    } catch (error) {
      if (error instanceof AppError && error.code === 'limit_exceeded') return tooMany(error);
      throw error;
    }
  }
}

function denied({ notes }: PermitRequest, { id }: Approval): GatewayError {
  notes.add({ approval: id });
  const reasons = ['approval_denied'];
  return new GatewayError('access_denied', { reasons, members: { reasons } });
}

function tooMany({ members, retryAfter }: AppError): GatewayError {
  return new GatewayError('rate_limited', {
    reasons: ['limit_exceeded'],
    ...(members === undefined ? {} : { members }),
    ...(retryAfter === undefined ? {} : { retryAfter }),
  });
}

function workOf({ question, query, body }: PermitRequest, { decision }: HeldCall): HeldWork {
  const { zone, resource, token, operation } = question;
  const { client_id, sid, dlg, sub, authorization_details } = token.claims;
  return {
    zone: zone.slug,
    application: client_id,
    session: sid,
    delegation: dlg,
    subject: sub,
    resources: [{ id: resource.id, identifier: resource.identifier }],
    scopes: [...decision.scopes].sort(),
    authorizationDetails: authorization_details,
    operation: heldOperation({ ...operation, query, body: resource.approvalBindsBody ? body : undefined }),
    policyVersion: decision.policy.version,
  };
}

/** The body, read when the resource binds it. Throws `request_too_large` when it is more than can be bound. */
async function boundBody({ question, incoming, body, maxBodyBytes }: PermitRequest): Promise<Buffer | undefined> {
  if (body !== undefined || !question.resource.approvalBindsBody || !hasBody(incoming.request)) return body;
  const chunks: Buffer[] = [];
  for await (const chunk of openBody(incoming, Math.min(LONGEST_BOUND_BODY, maxBodyBytes)))
    chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
