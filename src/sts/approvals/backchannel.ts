import { Inject, Injectable } from '@nestjs/common';
import { AuditLedger } from '../../audit/index.js';
import type { Approval } from '../../control/index.js';
import { RuntimeState } from '../../coordinator/index.js';
import { CLOCK, type Clock } from '../../kernel/clock.js';
import type { JsonObject } from '../../kernel/json.js';
import { OAuthError } from '../../kernel/oauth-error.js';
import { CallerAuthentication, type OAuthCall } from '../caller-authentication.js';
import {
  BACKCHANNEL_PARAMETERS,
  type BackchannelRequest,
  readBackchannelRequest,
} from '../domain/backchannel-request.js';
import { Parameters } from '../domain/parameters.js';
import { decisionRefusal, decisionReasons, replayedProof, stoppedZone } from '../domain/refusals.js';
import { POLL_INTERVAL_SECONDS } from '../grants/ciba.js';
import type { TokenRequest } from '../grants/grant.js';
import type { Considered } from '../grants/mandates.js';
import { Petitions } from './petitions.js';
import { RefusalRecord } from '../refusal-record.js';
import type { MandateHold } from './mandate-approvals.js';

const OPERATOR = 'operator';
/** Stands for the client's own wish where no policy asks for people. */
const REQUESTED = 'requested';

/** The backchannel authentication endpoint (CIBA Core 1.0 §7): a client asks a person, and polls for what comes of it. */
@Injectable()
export class BackchannelEndpoint {
  constructor(
    @Inject(CLOCK) private readonly clock: Clock,
    private readonly callers: CallerAuthentication,
    private readonly runtime: RuntimeState,
    private readonly petitions: Petitions,
    private readonly ledger: AuditLedger,
    private readonly refusals: RefusalRecord,
  ) {}

  async authorize(call: OAuthCall): Promise<JsonObject> {
    const now = this.clock.now();
    const revocations = this.runtime.revocationCount(call.zone);
    const caller = await this.callers.authenticate(call, now);
    const { once } = caller.client;
    try {
      if (caller.zone.status === 'killed') throw stoppedZone();
      const parameters = new Parameters(call.form, BACKCHANNEL_PARAMETERS);
      const request: TokenRequest = { ...caller, parameters, facts: call.facts, now, revocations, once };
      const approval = await this.ask(request, readBackchannelRequest(parameters));
      await this.record(request, approval);
      const expiresIn = Math.floor((approval.expiresAt - now) / 1_000);
      return { auth_req_id: approval.id, expires_in: expiresIn, interval: POLL_INTERVAL_SECONDS };
    } catch (error) {
      throw await this.refusals.record(error, caller.notes, once);
    }
  }

  private async ask(request: TokenRequest, asked: BackchannelRequest): Promise<Approval> {
    const { considered, kept } = await this.petitions.consider(request, asked);
    const { hint, message, requestedExpiry: requested } = asked;
    const hold = requireApprover(heldBy(request, considered, hint), hint);
    return this.petitions.raise(request, { ...hold, outOfBand: { requested, message, request: kept } });
  }

  /** The decision to ask somebody is one like any other. */
  private async record({ notes, once }: TokenRequest, { id, scopes }: Approval): Promise<void> {
    const entry = notes.draft('exchange', {
      decision: 'hold',
      reasons: ['approval_required'],
      approval: id,
      scopes,
      detail: { grant_type: 'ciba' },
    });
    const appended = await this.ledger.append(entry, once);
    notes.recorded = true;
    if (appended.replayed) throw replayedProof(appended.lost);
  }
}

/** What people are asked about; a client that need not ask is taken at its word. */
function heldBy({ notes }: TokenRequest, { decision, hold }: Considered, hint: string): MandateHold {
  if (decision.outcome === 'refused' || decision.outcome === 'denied') {
    notes.add({ reasons: decisionReasons(decision), policy: decision.policy });
    throw decisionRefusal(decision);
  }
  notes.add({ policy: decision.policy });
  const held = hold(decision.scopes);
  if (held.required.length > 0) return held;
  const approverClass = hint === OPERATOR ? 'operator' : 'subject';
  return { ...held, required: [{ rule: REQUESTED, approverClass, quorum: 1 }] };
}

/** The hint must name somebody who decides this (§13): operators, or the person that the work is for. */
function requireApprover(hold: MandateHold, hint: string): MandateHold {
  const { subject } = hold.work;
  const isSubject = subject.startsWith('user:') && (hint === subject || subject.endsWith(`:${hint}`));
  if (hint === OPERATOR && asks(hold, 'operator')) return hold;
  if (hint !== OPERATOR && isSubject && asks(hold, 'subject')) return hold;
  throw new OAuthError('unknown_user_id', 'login_hint names nobody who decides this request');
}

function asks({ required }: MandateHold, who: 'operator' | 'subject'): boolean {
  return required.some(({ approverClass }) => approverClass === who || approverClass === 'any');
}
