import type { FieldFault } from '../../../kernel/app-error.js';
import { isScopeToken } from '../../../kernel/scopes.js';
import type { DeclaredScope } from './resource.js';

export const MOST_SCOPES = 500;
const MOST_NAME = 128;

export const SCOPE_RULE =
  'must be a scope name of 1–128 characters without spaces, quotes or backslashes (RFC 6749 §3.3), like issues:read';

export function isScopeName(text: unknown): text is string {
  return typeof text === 'string' && text.length <= MOST_NAME && isScopeToken(text);
}

/** What is wrong with the scopes a resource declares: each a scope-token, each once. */
export function declaredScopeFaults(scopes: readonly DeclaredScope[]): readonly FieldFault[] {
  const seen = new Set<string>();
  return scopes.flatMap(({ name }, at) => {
    if (!isScopeName(name)) return [{ field: `scopes.${at}.name`, message: SCOPE_RULE }];
    if (seen.has(name)) return [{ field: `scopes.${at}.name`, message: `declares ${name} twice` }];
    seen.add(name);
    return [];
  });
}
