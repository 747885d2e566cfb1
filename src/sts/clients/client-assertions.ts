import type { ParsedJws } from '../../kernel/jose/jws.js';
import type { OnceClaim } from '../../audit/index.js';
import type { CredentialView } from '../../control/index.js';
import { type AssertionExpectation, assertionHeaderFault, checkAssertionClaims } from '../domain/client-assertion.js';
import { isLiveCredential } from './client-secrets.js';

export type AssertionVerdict =
  { readonly credential: CredentialView; readonly once: OnceClaim } | { readonly fault: string };

/** Finds the credential whose key made a signature. */
export type FindSigner = (
  jws: ParsedJws,
  credentials: readonly CredentialView[],
) => Promise<CredentialView | undefined>;

/**
 * Judges a client assertion against the keys of the client's live credentials (RFC 7523 §3). The caller must still take the claim, so that the
 * assertion works once.
 */
export async function judgeAssertion(
  jws: ParsedJws,
  credentials: readonly CredentialView[],
  expected: AssertionExpectation,
  findSigner: FindSigner,
): Promise<AssertionVerdict> {
  const headerFault = assertionHeaderFault(jws.header);
  if (headerFault !== undefined) return { fault: `header ${headerFault}` };
  const accepted = checkAssertionClaims(jws.claims, expected);
  if ('fault' in accepted) return { fault: `claim ${accepted.fault}` };
  const live = credentials.filter((credential) => isLiveCredential(credential, expected.now * 1000));
  const credential = await findSigner(jws, live);
  if (!credential) return { fault: 'signature' };
  return {
    credential,
    once: {
      kind: 'client_assertion',
      key: `${expected.clientId} ${accepted.jti}`,
      expiresAt: accepted.forgetAt * 1000,
    },
  };
}
