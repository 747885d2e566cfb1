/** Why a request is refused, in the words of RFC 6750 §3.1 and RFC 9449 §7.1; `unavailable` when nobody could decide. */
export type MandateFault = 'no_token' | 'invalid_token' | 'invalid_dpop_proof' | 'insufficient_scope' | 'unavailable';

const STATUS: Readonly<Record<MandateFault, number>> = {
  no_token: 401,
  invalid_token: 401,
  invalid_dpop_proof: 401,
  insufficient_scope: 403,
  unavailable: 503,
};

/** A refusal. `detail` is for the log of the resource server; the caller learns the code alone. */
export class MandateError extends Error {
  override readonly name = 'MandateError';
  readonly status: number;

  constructor(
    readonly code: MandateFault,
    readonly detail: string,
    options?: ErrorOptions,
  ) {
    super(`${code}: ${detail}`, options);
    this.status = STATUS[code];
  }
}

export interface ChallengeFacts {
  /** Where the metadata of the resource is (RFC 9728 §5.1), if it has any. */
  readonly metadataUrl?: string | undefined;
  /** All scopes that the operation needs. */
  readonly scopes?: readonly string[] | undefined;
}

/** `WWW-Authenticate` of the answer to a refusal; undefined for those that no token would help. */
export function challengeOf({ code }: MandateError, { metadataUrl, scopes }: ChallengeFacts): string | undefined {
  if (code === 'unavailable') return undefined;
  const scheme = code === 'invalid_dpop_proof' ? 'DPoP' : 'Bearer';
  const parameters = [
    metadataUrl === undefined ? undefined : `resource_metadata="${metadataUrl}"`,
    code === 'no_token' ? undefined : `error="${code}"`,
    code === 'insufficient_scope' && scopes ? `scope="${scopes.join(' ')}"` : undefined,
    scheme === 'DPoP' ? 'algs="ES256 EdDSA"' : undefined,
  ].filter((parameter) => parameter !== undefined);
  return [scheme, parameters.join(', ')].join(' ').trim();
}
