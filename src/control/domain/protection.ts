import type { FieldFault } from '../../kernel/app-error.js';
import { anyOperation } from './resources/operations.js';
import type { DeclaredScope, ResourceOperation } from './resources/resource.js';

const ONE_FOR_ALL: DeclaredScope = { name: 'access', description: 'Every call' };

export type ProtectionPlan =
  | { readonly scopes: readonly DeclaredScope[]; readonly operations: readonly ResourceOperation[] }
  | { readonly fault: FieldFault };

/**
 * Scopes and operations of a resource that somebody wants protected at once: what they named, and where they named nothing, one scope for every
 * call. Several scopes without operations are refused: which call needs which is not for us to guess.
 */
export function planProtection(
  scopes: readonly DeclaredScope[] | undefined,
  operations: readonly ResourceOperation[] | undefined,
): ProtectionPlan {
  if (operations && operations.length > 0) return { scopes: scopes ?? scopesOf(operations), operations };
  const declared = scopes && scopes.length > 0 ? scopes : [ONE_FOR_ALL];
  const [only, ...others] = declared;
  if (!only || others.length > 0) {
    return {
      fault: {
        field: 'operations',
        message:
          'is required with several scopes: say which call needs which, like {"method":"GET","path":"/**","scope":"read"}',
      },
    };
  }
  return { scopes: declared, operations: anyOperation(only.name) };
}

function scopesOf(operations: readonly ResourceOperation[]): readonly DeclaredScope[] {
  return [...new Set(operations.flatMap((operation) => operation.scope.split(' ')))].map((name) => ({ name }));
}
