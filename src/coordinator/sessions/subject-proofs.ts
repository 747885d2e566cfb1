import { Injectable } from '@nestjs/common';
import { AppError } from '../../kernel/app-error.js';
import { applicationSubject } from '../../kernel/subjects.js';
import { type FederatedUser, type IdTokenFault, IdTokens } from '../../auth/index.js';
import type { ZoneView } from '../../control/index.js';
import { PublicUrls } from '../../platform/urls/index.js';
import type { SubjectProof } from '../domain/sessions/subject-proof.js';
import { RuntimeState } from '../state/runtime-state.js';

/** Who will act for the user that is proved. */
export interface ProofActor {
  readonly application: string;
  readonly session?: string | undefined;
}

/** Proofs of federated users (OIDC Core §2): verified at the time, under the zone's issuers and what was revoked there. */
@Injectable()
export class SubjectProofs {
  constructor(
    private readonly idTokens: IdTokens,
    private readonly runtime: RuntimeState,
    private readonly urls: PublicUrls,
  ) {}

  /** The user, or why the proof is not accepted. The caller must take the user's claim with what the proof is used for. */
  async verify(
    view: ZoneView,
    proof: SubjectProof,
    occasion: { readonly actor: ProofActor; readonly now: number },
  ): Promise<{ readonly user: FederatedUser } | { readonly fault: IdTokenFault }> {
    const { application, session } = occasion.actor;
    const standing = await this.runtime.subjectStandings(view.slug);
    return this.idTokens.verify({
      token: proof.idToken,
      nonce: proof.nonce,
      now: occasion.now,
      capSeconds: view.settings.subject_session_cap_seconds,
      actor: {
        iss: this.urls.issuer(view.slug),
        sub: applicationSubject(application),
        client_id: application,
        sid: session,
      },
      issuer: (name) => view.subjectIssuer(name),
      standing,
    });
  }

  /** The user, for a session that is to be started. Throws `invalid_subject`. */
  async require(view: ZoneView, proof: SubjectProof, application: string, now: number): Promise<FederatedUser> {
    const verdict = await this.verify(view, proof, { actor: { application }, now });
    if ('fault' in verdict) throw invalidSubject(verdict.fault);
    return verdict.user;
  }
}

const EXPLAINED: Readonly<Record<IdTokenFault | 'replayed', string>> = {
  malformed: 'is no signed token',
  issuer: 'is of an issuer that the zone does not have',
  header: 'has a header that no id_token has',
  algorithm: 'is signed with an algorithm that its issuer may not use',
  audience: 'is meant for somebody else',
  azp: 'was issued to somebody else',
  expired: 'has expired',
  times: 'has times that cannot be',
  too_old: 'was issued too long ago',
  nonce: 'has another nonce',
  subject: 'names no user that could be told from others',
  may_act: 'may not be acted for by this application',
  signature: 'was not signed by its issuer',
  revoked: 'was issued before its subject was revoked',
  replayed: 'was used before',
};

/** The refusal of a proof; the caller holds the token, so it may know what is wrong with it. */
export function invalidSubject(fault: IdTokenFault | 'replayed'): AppError {
  return new AppError('invalid_subject', 'The proof of the subject is not accepted.', {
    errors: [{ field: 'subject.id_token', message: EXPLAINED[fault] }],
    detail: fault,
  });
}
