import { Injectable } from '@nestjs/common';
import { AuditLedger, type Appended, type EntryDraft } from '../../audit/index.js';
import { type Approval, ApprovalUse, ApprovalUseError } from '../../control/index.js';
import type { JsonObject } from '../../kernel/json.js';
import { OAuthError } from '../../kernel/oauth-error.js';
import { type TokenClaims, TokenSigner } from '../../auth/index.js';
import { RuntimeState } from '../../coordinator/index.js';
import { isLiveApplication } from '../clients/client-authentication.js';
import { invalidClient } from '../domain/presented-client.js';
import { replayedProof, stoppedZone, unusableToken } from '../domain/refusals.js';
import type { Notes } from '../entry-notes.js';
import type { TokenRequest } from './grant.js';

export interface NewToken {
  readonly klass: 'application' | 'mandate' | 'control';
  readonly claims: TokenClaims;
  readonly notes: Notes;
  /** The approval that releases it, used up with its ledger entry. */
  readonly approval?: Approval | undefined;
}

export interface Issued {
  readonly token: string;
  readonly receipt: { readonly zone: string; readonly index: number };
}

/**
 * The last steps of every grant: ledger entry first, then the signature. Nothing leaves that is not in the ledger, and nothing leaves that was
 * revoked meanwhile: such a token is recorded as `withheld`.
 */
@Injectable()
export class Issuance {
  constructor(
    private readonly ledger: AuditLedger,
    private readonly runtime: RuntimeState,
    private readonly signer: TokenSigner,
    private readonly approvals: ApprovalUse,
  ) {}

  async issue(request: TokenRequest, issue: NewToken): Promise<Issued> {
    const { klass, claims, notes } = issue;
    if (!(await this.signer.fits(request.zone.slug, klass, claims)))
      throw new OAuthError('invalid_request', 'the token would be larger than a token of its class may be');
    await this.requireLive(request, claims);
    const { jti, exp, txn, sub } = claims;
    request.notes.add(notes);
    const entry = request.notes.draft('exchange', { decision: 'allow', txn, subject: sub, token: { jti, exp } });
    const appended = await this.append(request, entry, issue);
    request.notes.recorded = true;
    if (appended.replayed) throw replayedProof(appended.lost);
    await this.withholdRevoked(request, claims);
    const token = await this.signer.sign(request.zone.slug, klass, claims);
    // Signing takes a moment, too.
    await this.withholdRevoked(request, claims);
    return { token, receipt: { zone: request.zone.slug, index: appended.index } };
  }

  private append(request: TokenRequest, entry: EntryDraft, { claims, approval }: NewToken): Promise<Appended> {
    return approval ? this.release(request, entry, { claims, approval }) : this.ledger.append(entry, request.once);
  }

  /** Throws an `ApprovalUseError` when somebody was faster. A lost proof changes nothing, and the refusal's entry takes it. */
  private async release(
    request: TokenRequest,
    draft: EntryDraft,
    { claims, approval }: { readonly claims: TokenClaims; readonly approval: Approval },
  ): Promise<Appended> {
    const { zone, ...entry } = draft;
    const cause = { actor: draft.actor, origin: request.facts, at: request.now };
    const token = claims as unknown as JsonObject;
    try {
      const { index } = await this.approvals.consume(zone, { approval, entry, claims: request.once, token, cause });
      return { zone, index, replayed: false, lost: [] };
    } catch (error) {
      throw error instanceof ApprovalUseError && error.fault === 'claim_lost' ? replayedProof(error.lost) : error;
    }
  }

  private async withholdRevoked(request: TokenRequest, claims: TokenClaims): Promise<void> {
    if (this.runtime.revocationCount(request.zone.slug) === request.revocations) return;
    try {
      await this.requireLive(request, claims);
    } catch (refusal) {
      await this.ledger.append(request.notes.draft('exchange', { decision: 'deny', reasons: ['withheld'] }));
      throw refusal;
    }
  }

  /** Asks about the token itself: whatever would refuse it at its first use refuses it now. */
  private async requireLive(request: TokenRequest, claims: TokenClaims): Promise<void> {
    const { zone, client, now } = request;
    if (zone.status !== 'active') throw stoppedZone();
    const application = zone.application(client.application.id);
    if (!application || !isLiveApplication(application, now)) throw invalidClient('the application was stopped');
    const verdict = await this.runtime.verdict(zone.slug, claims, now);
    if (verdict === 'active') return;
    throw claims.ptk === undefined
      ? invalidClient(`the credential is ${verdict}`)
      : unusableToken(`an ancestor is ${verdict}`);
  }
}
