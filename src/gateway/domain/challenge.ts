/** What a 401 or 403 tells the caller about how to do better. */
export interface ChallengeFacts {
  readonly metadataUrl: string;
  /** A token was presented, so its fault is named; without one RFC 6750 §3.1 wants no error code. */
  readonly tokenPresented: boolean;
  /** All scopes that the operation needs, when it is known. */
  readonly scope?: string | undefined;
}

/** `WWW-Authenticate` of a 401 (RFC 9728 §5.1, RFC 6750 §3). The metadata URL is made of slugs and our own base, so it holds no quote. */
export function unauthorizedChallenge(facts: ChallengeFacts): string {
  const error = facts.tokenPresented ? ', error="invalid_token"' : '';
  return `Bearer resource_metadata="${facts.metadataUrl}"${error}${scopeParameter(facts.scope)}`;
}

/** `WWW-Authenticate` of a 401 to a caller with a bound token (RFC 9449 §7.1): what was wrong with token or proof, and what proofs may be signed with. */
export function dpopChallenge(facts: ChallengeFacts, algorithms: readonly string[], error: string | undefined): string {
  const fault = error === undefined ? '' : `, error="${error}"`;
  return `DPoP resource_metadata="${facts.metadataUrl}"${fault}, algs="${algorithms.join(' ')}"${scopeParameter(facts.scope)}`;
}

/** `WWW-Authenticate` of a 403 for want of scope: one challenge that lists everything the operation needs (RFC 6750 §3.1). */
export function insufficientScopeChallenge(facts: ChallengeFacts): string {
  return `Bearer resource_metadata="${facts.metadataUrl}", error="insufficient_scope"${scopeParameter(facts.scope)}`;
}

/** Scope-tokens hold neither quote nor backslash (RFC 6749 §3.3). */
function scopeParameter(scope: string | undefined): string {
  return scope === undefined || scope === '' ? '' : `, scope="${scope}"`;
}
