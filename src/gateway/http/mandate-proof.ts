import { Injectable } from '@nestjs/common';
import type { IncomingMessage } from 'node:http';
import type { OnceClaim } from '../../audit/index.js';
import { boundKey, ProofsOfPossession, type VerifiedToken } from '../../auth/index.js';
import type { ZoneView } from '../../control/index.js';
import { headerLines } from '../../platform/http/index.js';
import { PublicUrls } from '../../platform/urls/index.js';
import { GatewayError } from '../domain/gateway-error.js';

/** A verified mandate and the scheme it was presented under. */
export interface PresentedMandate {
  readonly token: VerifiedToken;
  readonly scheme: 'bearer' | 'dpop';
}

/** Proof of possession at a gateway URL (RFC 9449 §7). */
@Injectable()
export class MandateProof {
  constructor(
    private readonly proofs: ProofsOfPossession,
    private readonly urls: PublicUrls,
  ) {}

  get algorithms(): readonly string[] {
    return this.proofs.algorithms;
  }

  /** What the next proof must carry; undefined where the zone asks for none. */
  nonce({ slug, settings }: ZoneView): string | undefined {
    return settings.dpop_nonce === 'required' ? this.proofs.nonce(slug) : undefined;
  }

  /** The one use of the proof that came with a bound mandate; undefined for a bearer mandate. Refuses with `invalid_token`. */
  require(
    { slug, settings }: ZoneView,
    { token, scheme }: PresentedMandate,
    request: IncomingMessage,
  ): OnceClaim | undefined {
    const bound = boundKey(token.claims);
    if (bound === undefined && scheme === 'bearer') return undefined;
    if (bound === undefined) throw refused('invalid_token', 'the mandate is bound to no key');
    if (scheme === 'bearer') throw refused('none', 'a bound mandate was sent as bearer');
    const verdict = this.proofs.judge({
      zone: slug,
      fields: headerLines(request.rawHeaders, 'dpop'),
      method: request.method ?? '',
      url: `${this.urls.base()}${request.url ?? ''}`,
      tokenHash: token.tokenHash,
      nonce: settings.dpop_nonce,
    });
    if ('error' in verdict) throw refused(verdict.error, verdict.detail);
    if (verdict.key.jkt !== bound) throw refused('invalid_token', 'the proof is by another key than the mandate’s');
    return verdict.key.once;
  }
}

function refused(dpop: GatewayError['dpop'], detail: string): GatewayError {
  return new GatewayError('invalid_token', { dpop, detail });
}
