import { Injectable } from '@nestjs/common';
import { type Approval, holdBody, Holds, type HeldWork } from '../../control/index.js';
import { AppError } from '../../kernel/app-error.js';
import { isId } from '../../kernel/ids.js';
import type { JsonObject } from '../../kernel/json.js';
import { OAuthError } from '../../kernel/oauth-error.js';
import type { ApprovalRule } from '../../policy/index.js';
import type { TokenRequest } from '../grants/grant.js';

/** What the token endpoint asks people for. */
export interface MandateHold {
  readonly work: HeldWork;
  readonly required: readonly ApprovalRule[];
  readonly determining: readonly string[];
  readonly sides: readonly string[];
  readonly raisers: readonly string[];
  readonly txn?: string | undefined;
  /** An out-of-band request of a client (CIBA). */
  readonly outOfBand?: {
    readonly requested?: number | undefined;
    readonly message?: string | undefined;
    /** What the client asked for, so that it need not say it again. */
    readonly request: JsonObject;
  };
}

/** Holds of mandates: raised when policy asks for people, presented again when they may have decided. */
@Injectable()
export class MandateApprovals {
  constructor(private readonly holds: Holds) {}

  /** The one hold of this work. Refuses with 429 when too many wait. */
  async raise(request: TokenRequest, { outOfBand, ...hold }: MandateHold): Promise<Approval> {
    const { actor } = request.notes.draft('exchange');
    const cause = { actor, origin: request.facts, at: request.now };
    try {
      const { requested, message, request: asked } = outOfBand ?? {};
      return await this.holds.raise(request.zone, {
        ...hold,
        origin: outOfBand ? 'ciba' : 'exchange',
        ...(outOfBand ? { outOfBand: { requested }, message, request: asked } : {}),
        cause,
      });
    } catch (error) {
      throw error instanceof AppError && error.code === 'limit_exceeded' ? tooMany(error) : error;
    }
  }

  /**
   * The approval that a client presents for this work, approved or used. Refuses with `invalid_request` what is not of this client and work,
   * with `authorization_pending` what nobody has decided, with `access_denied` what was denied and with `expired_token` what came too late.
   */
  async presented(request: TokenRequest, id: string, work: HeldWork): Promise<Approval> {
    const approval = isId('apr', id) ? await this.holds.about(work, id) : undefined;
    if (!approval) throw new OAuthError('invalid_request', 'approval is not an approval of this request');
    request.notes.add({ approval: id });
    const { status } = approval;
    if (status === 'approved' || status === 'consumed') return approval;
    throw undecided(approval, status);
  }
}

/** What a client is told whose request waits for people. */
export function pending(approval: Approval): OAuthError {
  const { status: _pending, ...reference } = holdBody(approval, approval.createdAt);
  return new OAuthError('authorization_pending', 'a person has to approve this request', {
    members: { approval: reference },
  });
}

/** What a client is told whose request nobody will approve any more, or not yet. */
export function undecided(approval: Approval, status: 'pending' | 'denied' | 'expired'): OAuthError {
  switch (status) {
    case 'pending':
      return pending(approval);
    case 'denied':
      return new OAuthError('access_denied', 'the request was denied', { members: { reason: 'approval_denied' } });
    case 'expired':
      return new OAuthError('expired_token', 'nobody decided in time, or the approval was not used in time');
  }
}

function tooMany({ members, retryAfter }: AppError): OAuthError {
  return new OAuthError('temporarily_unavailable', 'too many requests wait for a person already', {
    status: 429,
    members: { reason: 'limit_exceeded', ...members },
    ...(retryAfter === undefined ? {} : { retryAfter }),
  });
}
