import { Inject, Injectable } from '@nestjs/common';
import type { OnceClaim } from '../../audit/index.js';
import { CLOCK, type Clock } from '../../kernel/clock.js';
import { epochSeconds } from '../../kernel/times.js';
import { deriveKey, SECRETS, type Secrets } from '../../platform/secrets/index.js';
import { checkProof, PROOF_ALGORITHMS, PROOF_WINDOW_SECONDS, type ProvenRequest } from './domain/check-proof.js';
import { isFreshNonce, nonceAt } from './domain/nonce.js';
import { comparableUrl } from './domain/proof-url.js';

/** A request with what it carries in `DPoP`, and what the proof in there must satisfy. */
export interface ProofQuestion extends ProvenRequest {
  readonly zone: string;
  /** Every line of the header field (see {@link proofFields}). */
  readonly fields: readonly string[];
  /** The zone's setting `dpop_nonce`. */
  readonly nonce: 'off' | 'required';
}

/** A key whose holder made the request. */
export interface ProvenKey {
  /** What `cnf.jkt` of its tokens says. */
  readonly jkt: string;
  /** To be taken with the ledger entry of what the proof was used for, so that it works once (RFC 9449 §11.1). */
  readonly once: OnceClaim;
}

export type ProofVerdict =
  { readonly key: ProvenKey } | { readonly error: 'invalid_dpop_proof' | 'use_dpop_nonce'; readonly detail: string };

const CLAIM_GRACE_SECONDS = 10;
const NONCE_KEY_BYTES = 32;

/** Judges proofs of possession (RFC 9449). Stateless: what holds across replicas is the claim that comes with a verdict. */
@Injectable()
export class ProofsOfPossession {
  /** `dpop_signing_alg_values_supported` (RFC 9449 §5.1) and `algs` of challenges (§7.1). */
  readonly algorithms = PROOF_ALGORITHMS;
  private readonly nonceKey: Buffer;

  constructor(
    @Inject(SECRETS) secrets: Secrets,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {
    this.nonceKey = deriveKey(secrets.pepper, 'dpop nonce', NONCE_KEY_BYTES);
  }

  /** The key that made the request's one proof, or why there is none. The caller must compare `jkt` with what a token is bound to. */
  judge(question: ProofQuestion): ProofVerdict {
    const now = epochSeconds(this.clock.now());
    const found = checkProof(question.fields, question, now);
    if ('fault' in found) return { error: 'invalid_dpop_proof', detail: `proof fault: ${found.fault}` };
    const { jkt, jti, iat, nonce } = found.proof;
    if (question.nonce === 'required' && !isFreshNonce(nonce, this.nonceKey, question.zone, now))
      return { error: 'use_dpop_nonce', detail: nonce === undefined ? 'no nonce' : 'another nonce' };
    const key = `${jkt} ${comparableUrl(question.url)} ${jti}`;
    const expiresAt = Math.ceil(iat + PROOF_WINDOW_SECONDS + CLAIM_GRACE_SECONDS) * 1000;
    return { key: { jkt, once: { kind: 'dpop', key, expiresAt } } };
  }

  /** The nonce that the next proof in this zone should carry. */
  nonce(zone: string): string {
    return nonceAt(this.nonceKey, zone, epochSeconds(this.clock.now()));
  }
}
