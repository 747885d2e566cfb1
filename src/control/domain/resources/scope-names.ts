import type { FieldFault } from '../../../kernel/app-error.js';
import type { DeclaredScope } from './resource.js';

export const MOST_SCOPES = 500;

/** scope-token of RFC 6749 §3.3, of a length that fits everywhere. */
export const SCOPE_NAME = /^[\x21\x23-\x5b\x5d-\x7e]{1,128}$/;

export const SCOPE_RULE =
  'must be a scope name of 1–128 characters without spaces, quotes or backslashes (RFC 6749 §3.3), like issues:read';

/** What is wrong with the scopes a resource declares: each a scope-token, each once. */
export function declaredScopeFaults(scopes: readonly DeclaredScope[]): readonly FieldFault[] {
  const seen = new Set<string>();
  return scopes.flatMap(({ name }, at) => {
    if (!SCOPE_NAME.test(name)) return [{ field: `scopes.${at}.name`, message: SCOPE_RULE }];
    if (seen.has(name)) return [{ field: `scopes.${at}.name`, message: `declares ${name} twice` }];
    seen.add(name);
    return [];
  });
}
