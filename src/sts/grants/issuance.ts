import { Injectable } from '@nestjs/common';
import { AuditLedger } from '../../audit/index.js';
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
  ) {}

  async issue(request: TokenRequest, { klass, claims, notes }: NewToken): Promise<Issued> {
    if (!(await this.signer.fits(request.zone.slug, klass, claims)))
      throw new OAuthError('invalid_request', 'the token would be larger than a token of its class may be');
    await this.requireLive(request, claims);
    const token = { jti: claims.jti, exp: claims.exp };
    const entry = request.notes.draft('exchange', {
      ...notes,
      decision: 'allow',
      txn: claims.txn,
      subject: claims.sub,
      token,
    });
    const appended = await this.ledger.append(entry, request.once);
    request.notes.recorded = true;
    if (appended.replayed) throw replayedProof(appended.lost);
    await this.withholdRevoked(request, claims);
    return {
      token: await this.signer.sign(request.zone.slug, klass, claims),
      receipt: { zone: request.zone.slug, index: appended.index },
    };
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
