import { difference, intersect, type ScopeSet } from '../../kernel/scopes.js';
import { type Bounds, heldAt, type Target } from './ceiling.js';

export interface NarrowingRequest {
  /** The resources asked for, each once. */
  readonly targets: readonly Target[];
  /** What was asked for explicitly; undefined when `scope` was omitted. */
  readonly scope?: ScopeSet | undefined;
}

export type Narrowing =
  | { readonly ok: true; readonly scopes: ScopeSet }
  | { readonly ok: false; readonly code: 'invalid_target' | 'invalid_scope'; readonly missing: ScopeSet };

/**
 * The structural half of a decision. Guarantees that the result is within the request and within every bound, at every target alike
 * (RFC 8693 §2.1.1: the product of all scopes at all targets). An explicit scope is granted whole or refused: `invalid_target` where nothing
 * is held at a target (RFC 8707 §2), `invalid_scope` where something is held but less than was asked (RFC 6749 §5.2). Only an omitted scope
 * yields a subset. The caller must not assume that policy agrees.
 */
export function narrow(request: NarrowingRequest, bounds: Bounds): Narrowing {
  const held = request.targets.map((target) => heldAt(target, bounds));
  const common = intersect(...held);
  const missing = request.scope ? difference(request.scope, common) : common;
  if (held.length === 0 || held.some((scopes) => scopes.size === 0))
    return { ok: false, code: 'invalid_target', missing };
  if (request.scope && missing.size > 0) return { ok: false, code: 'invalid_scope', missing };
  if (common.size === 0) return { ok: false, code: 'invalid_target', missing };
  return { ok: true, scopes: request.scope ?? common };
}
