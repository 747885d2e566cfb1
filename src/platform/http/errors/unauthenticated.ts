import { AppError, type ProblemCode } from '../../../kernel/app-error.js';

/** A 401 that says how to authenticate (RFC 9110 §15.5.2): one `WWW-Authenticate` value per scheme. */
export class Unauthenticated extends AppError {
  constructor(
    readonly challenges: readonly string[],
    detail: string,
    code: Extract<ProblemCode, 'invalid_token' | 'replayed'> = 'invalid_token',
  ) {
    super(code, 'A valid token is required.', { detail });
  }
}

export interface ChallengeParts {
  readonly realm: string;
  /** Only when a token was sent at all (RFC 6750 §3.1). */
  readonly error?: 'invalid_token' | 'insufficient_scope' | undefined;
  readonly scope?: string | undefined;
}

export interface DpopChallengeParts {
  readonly realm: string;
  readonly error?: 'invalid_token' | 'invalid_dpop_proof' | 'use_dpop_nonce' | undefined;
  readonly algorithms: readonly string[];
}

/** A `DPoP` challenge (RFC 9449 §7.1): what was wrong, and what proofs may be signed with. */
export function dpopChallenge({ realm, error, algorithms }: DpopChallengeParts): string {
  const parts = [`realm="${realm}"`, ...(error ? [`error="${error}"`] : []), `algs="${algorithms.join(' ')}"`];
  return `DPoP ${parts.join(', ')}`;
}

/** A `Bearer` challenge (RFC 6750 §3). */
export function bearerChallenge({ realm, error, scope }: ChallengeParts): string {
  const parts = [`realm="${realm}"`];
  if (error) parts.push(`error="${error}"`);
  if (scope) parts.push(`scope="${scope}"`);
  return `Bearer ${parts.join(', ')}`;
}
