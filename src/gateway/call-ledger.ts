import { Injectable } from '@nestjs/common';
import { AuditLedger, type Appended, type EntryDraft, type OnceClaim, OutcomeSink } from '../audit/index.js';
import type { TokenClaims } from '../auth/index.js';
import { type Approval, ApprovalUse, ApprovalUseError } from '../control/index.js';
import { RunawayBreaker } from '../coordinator/index.js';
import { AppError } from '../kernel/app-error.js';
import type { JsonObject } from '../kernel/json.js';
import type { Permission } from './call-authority.js';
import type { CallNotes } from './call-notes.js';
import { GatewayError, isCallers, STOPPING } from './domain/gateway-error.js';
import type { Arrival } from './forwarding.js';
import { ClientGoneError } from './upstream/request-body.js';

/** Where an entry went and what it took. */
type Taken = Appended & { readonly taken: readonly OnceClaim[] };

/** What is recorded when a call is over. */
export interface CallEnd {
  readonly arrival: Arrival;
  readonly durationMs: number;
  readonly upstream: string;
  readonly echoed: readonly string[];
}

function replayed(lost: readonly string[]): GatewayError {
  return new GatewayError('replayed', { dpop: lost.includes('dpop') ? 'invalid_dpop_proof' : undefined });
}

/** How a call ends whose authority went between the decision and the entry: nothing left. */
export const WITHHELD = 'withheld';

/** `exp` is compared with some leeway, so a claim outlives it a little. */
const CLAIM_GRACE_MS = 10_000;

/** The ledger's side of a call: the decision before anything leaves, the outcome when it is over. */
@Injectable()
export class CallLedger {
  constructor(
    private readonly ledger: AuditLedger,
    private readonly outcomes: OutcomeSink,
    private readonly approvals: ApprovalUse,
    private readonly breaker: RunawayBreaker,
  ) {}

  /**
   * Records the permission and takes what the call spends: the proof, a mandate that may be used once, budgets, the approval when one makes the
   * call possible. Resolves when all is durable, with what was taken; refuses with `replayed`, or with `access_denied` when nothing is left of a
   * budget, and throws an `ApprovalUseError` when another call was faster.
   */
  async intent(
    notes: CallNotes,
    { policy, approval, budgets }: Pick<Permission, 'policy' | 'approval' | 'budgets'>,
    once: readonly OnceClaim[],
  ): Promise<readonly OnceClaim[]> {
    const entry = notes.draft('gateway.request', { decision: 'allow', policy });
    const claims = [...once, ...(notes.proof ? [notes.proof] : []), ...budgets];
    const appended = approval ? await this.use(entry, claims, approval) : await this.append(entry, claims);
    notes.receipt = { zone: appended.zone, index: appended.index };
    this.count(notes, appended.replayed);
    if (appended.lost.includes('budget')) throw budgetExhausted();
    if (appended.replayed) throw replayed(appended.lost);
    return appended.taken;
  }

  private async append(draft: EntryDraft, claims: readonly OnceClaim[]): Promise<Taken> {
    const appended = await this.ledger.append(draft, claims);
    const { idle } = appended;
    return { ...appended, taken: idle ? claims.filter((_, at) => !idle.includes(at)) : claims };
  }

  /** A lost claim changes nothing, so the approval is still there; the refusal's entry takes the claims. */
  private async use(draft: EntryDraft, claims: readonly OnceClaim[], approval: Approval): Promise<Taken> {
    const { zone, ...entry } = draft;
    const { requestId = '', traceId, client } = draft;
    const origin = { requestId, traceId, address: client?.address ?? '', userAgent: client?.user_agent };
    const cause = { actor: draft.actor, origin, at: draft.occurredAt };
    try {
      const { index, taken } = await this.approvals.consume(zone, { approval, entry, claims, cause });
      return { zone, index, replayed: false, lost: [], taken };
    } catch (error) {
      if (!(error instanceof ApprovalUseError) || error.fault !== 'claim_lost') throw error;
      const appended = await this.append(draft, claims);
      if (appended.replayed) return appended;
      // What was lost before is lost again, unless a unit of a budget came back meanwhile: then nobody has used the approval.
      await this.release(zone, appended.taken);
      throw new GatewayError('view_stale', { detail: 'the approval was not used' });
    }
  }

  /** Records a refusal, once; it spends the proof when the caller is the reason. Those that nobody authenticated for are counted when there are too many; then there is no receipt. */
  async refusal(notes: CallNotes, error: GatewayError): Promise<void> {
    if (notes.receipt) return;
    this.count(notes, true);
    const decision = error.code === 'approval_required' ? 'hold' : 'deny';
    const entry = notes.draft('gateway.request', { decision, reasons: [...error.reasons], policy: error.policy });
    const proof = notes.proof && isCallers(error.code) ? [notes.proof] : [];
    const appended = notes.claims ? await this.ledger.append(entry, proof) : await this.ledger.refusal(entry);
    if (appended) notes.receipt = { zone: appended.zone, index: appended.index };
  }

  /** Never fails and never waits: what happened is in the ledger soon after. */
  outcome(notes: CallNotes, end: CallEnd): void {
    const { status, bytesIn, bytesOut, error, retried } = end.arrival;
    const detail: JsonObject = {
      ended: error === undefined ? 'complete' : endOf(error),
      ...(status === undefined ? {} : { status }),
      ...(notes.receipt === undefined ? {} : { request: notes.receipt.index }),
      bytes_in: bytesIn,
      bytes_out: bytesOut,
      duration_ms: Math.round(end.durationMs),
      upstream: end.upstream,
      ...evidenceOf(end.arrival),
      ...(retried === true ? { credential_retried: true } : {}),
      ...(end.echoed.length === 0 ? {} : { credential_echoed: end.echoed }),
    };
    this.outcomes.push(notes.draft('gateway.outcome', { detail }));
  }

  /** The breaker counts the calls of sessions; nobody waits for it. */
  private count({ zone, claims }: CallNotes, refused: boolean): void {
    if (claims?.sid !== undefined) void this.breaker.note({ zone, session: claims.sid, refused });
  }

  /** Gives back what was taken for a call that provably did not leave. */
  async release(zone: string, taken: readonly OnceClaim[]): Promise<void> {
    await Promise.all(taken.map((claim) => this.ledger.release(zone, claim)));
  }
}

function evidenceOf({ upstreamAddress, requestDigest, responseDigest }: Arrival): JsonObject {
  return {
    ...(upstreamAddress === undefined ? {} : { upstream_address: upstreamAddress }),
    ...(requestDigest === undefined ? {} : { request_digest: requestDigest }),
    ...(responseDigest === undefined ? {} : { response_digest: responseDigest }),
  };
}

/** The one use of a mandate for a resource that allows one. */
export function singleUse({ jti, exp }: TokenClaims): OnceClaim {
  return { kind: 'mandate', key: jti, expiresAt: exp * 1_000 + CLAIM_GRACE_MS };
}

function budgetExhausted(): GatewayError {
  const reasons = ['budget_exhausted'];
  return new GatewayError('access_denied', { reasons, members: { reasons } });
}

/** What a failure on the way to a decision means for the caller: nobody was able to decide. */
export function toRefusal(error: unknown): GatewayError {
  if (error instanceof GatewayError) return error;
  if (error instanceof ClientGoneError)
    return new GatewayError('invalid_request', { detail: error.message, cause: error });
  const detail = error instanceof AppError ? error.detail : undefined;
  if (detail?.startsWith('audit_unavailable') === true)
    return new GatewayError('audit_unavailable', { detail, cause: error });
  if (error instanceof AppError && error.code === 'egress_denied')
    return new GatewayError('egress_denied', { detail, cause: error });
  return new GatewayError('view_stale', { detail: detail ?? 'unexpected', cause: error });
}

function endOf(error: Error): string {
  if (error instanceof GatewayError)
    return error.detail === WITHHELD || error.detail === STOPPING ? error.detail : error.code;
  return error instanceof ClientGoneError ? 'client_closed' : 'failed';
}
