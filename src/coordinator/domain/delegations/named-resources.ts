import { AppError } from '../../../kernel/app-error.js';
import type { ScopedResource } from './delegation-record.js';

export interface NamedResource {
  /** Identifier or gateway URL. */
  readonly resource: string;
  readonly scopes: readonly string[];
}

/**
 * The resources by identifier. One that does not exist here is `authority_exceeded`, because nobody can hold anything there; one that is named
 * twice is `invalid_request`.
 */
export function byIdentifier(
  named: readonly NamedResource[],
  find: (target: string) => { readonly identifier: string } | undefined,
): ScopedResource[] {
  const resolved = named.map(({ resource, scopes }) => {
    const found = find(resource);
    if (!found) throw new AppError('authority_exceeded', `Nothing is held at ${resource}.`);
    return { resource: found.identifier, scopes: new Set(scopes) };
  });
  if (new Set(resolved.map((entry) => entry.resource)).size < resolved.length) {
    throw new AppError('invalid_request', 'A resource is named twice.', {
      errors: [{ field: 'resources', message: 'must name each resource once' }],
    });
  }
  return resolved;
}
