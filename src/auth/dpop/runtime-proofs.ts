import { Inject, Injectable } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { AuditLedger } from '../../audit/index.js';
import { bearerChallenge, dpopChallenge, headerLines, Unauthenticated } from '../../platform/http/index.js';
import { PublicUrls } from '../../platform/urls/index.js';
import { boundKey } from '../domain/bound-key.js';
import { ZONE_DIRECTORY, type ZoneDirectory } from '../ports.js';
import type { VerifiedToken } from '../token-verifier.js';
import { ProofsOfPossession, type ProvenKey } from './proofs-of-possession.js';

/** A verified token and how it was presented. */
export interface PresentedRuntimeToken {
  readonly zone: string;
  readonly token: VerifiedToken;
  readonly scheme: 'bearer' | 'dpop';
}

/** Proof of possession at the runtime API (RFC 9449 §7): a bound token needs it, any other token may come with it. */
@Injectable()
export class RuntimeProofs {
  constructor(
    private readonly proofs: ProofsOfPossession,
    private readonly ledger: AuditLedger,
    private readonly urls: PublicUrls,
    @Inject(ZONE_DIRECTORY) private readonly zones: ZoneDirectory,
  ) {}

  /** The thumbprint of the key that was proved, once; undefined when nothing asks for a proof and none was sent. Throws a 401 with its challenge. */
  async prove(request: FastifyRequest, presented: PresentedRuntimeToken): Promise<string | undefined> {
    const fields = headerLines(request.raw.rawHeaders, 'dpop');
    const bound = boundKey(presented.token.claims);
    if (bound === undefined && presented.scheme === 'bearer' && fields.length === 0) return undefined;
    // RFC 9449 §7.1, §7.2: neither does a bound token pass as bearer nor any other as bound.
    if ((bound === undefined) !== (presented.scheme === 'bearer')) throw this.wrongScheme(presented);
    const key = await this.judge(request, fields, presented);
    if (bound !== undefined && key.jkt !== bound)
      throw this.refusal(presented.zone, 'invalid_token', 'the proof is by another key than the token’s');
    if (!(await this.ledger.take(presented.zone, key.once))) {
      const challenge = this.challenge(presented.zone, 'invalid_dpop_proof');
      throw new Unauthenticated([challenge], 'the proof was used before', 'replayed');
    }
    return key.jkt;
  }

  /** What the next proof must carry; undefined where the zone asks for none. */
  async nonce(zone: string): Promise<string | undefined> {
    return (await this.zones.dpopNonce(zone)) === 'required' ? this.proofs.nonce(zone) : undefined;
  }

  private async judge(
    request: FastifyRequest,
    fields: readonly string[],
    { zone, token }: PresentedRuntimeToken,
  ): Promise<ProvenKey> {
    const verdict = this.proofs.judge({
      zone,
      fields,
      method: request.method,
      url: `${this.urls.base()}${request.raw.url ?? ''}`,
      tokenHash: token.tokenHash,
      nonce: await this.zones.dpopNonce(zone),
    });
    if ('error' in verdict) throw this.refusal(zone, verdict.error, verdict.detail);
    return verdict.key;
  }

  private wrongScheme({ zone, scheme }: PresentedRuntimeToken): Unauthenticated {
    if (scheme === 'dpop') return this.refusal(zone, 'invalid_token', 'the token is bound to no key');
    const bearer = bearerChallenge({ realm: this.urls.issuer(zone), error: 'invalid_token' });
    return new Unauthenticated([bearer, this.challenge(zone)], 'a bound token was sent as bearer');
  }

  private refusal(
    zone: string,
    error: 'invalid_token' | 'invalid_dpop_proof' | 'use_dpop_nonce',
    detail: string,
  ): Unauthenticated {
    return new Unauthenticated([this.challenge(zone, error)], detail);
  }

  private challenge(zone: string, error?: 'invalid_token' | 'invalid_dpop_proof' | 'use_dpop_nonce'): string {
    return dpopChallenge({ realm: this.urls.issuer(zone), error, algorithms: this.proofs.algorithms });
  }
}
