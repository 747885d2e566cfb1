export type ScopeSet = ReadonlySet<string>;

/** scope-token of RFC 6749 §3.3: %x21 / %x23-5B / %x5D-7E. */
const SCOPE_TOKEN = /^[\x21\x23-\x5b\x5d-\x7e]+$/;

export const EMPTY_SCOPE: ScopeSet = Object.freeze(new Set<string>());

/** True for one scope-token (RFC 6749 §3.3). */
export function isScopeToken(text: string): boolean {
  return SCOPE_TOKEN.test(text);
}

/**
 * Guarantees a non-empty set of scope-tokens, or undefined when the text is not a `scope` value: empty, doubled, leading or trailing
 * spaces, or characters outside the grammar (RFC 6749 §3.3). Repeated tokens count once; order carries no meaning.
 */
export function parseScope(text: string): ScopeSet | undefined {
  const tokens = text.split(' ');
  return tokens.every(isScopeToken) ? new Set(tokens) : undefined;
}

/** One text per set: tokens sorted by code unit and joined by single spaces. The empty set is the empty text. */
export function formatScope(scopes: ScopeSet): string {
  return [...scopes].sort().join(' ');
}

/** The members that are in every set given; of no set at all, nothing. */
export function intersect(...sets: readonly ScopeSet[]): ScopeSet {
  const [first, ...others] = sets;
  if (!first) return EMPTY_SCOPE;
  return new Set([...first].filter((scope) => others.every((set) => set.has(scope))));
}

/** The members that are in any set given. */
export function union(...sets: readonly ScopeSet[]): ScopeSet {
  return new Set(sets.flatMap((set) => [...set]));
}

/** The members of `of` that are not in `without`. */
export function difference(of: ScopeSet, without: ScopeSet): ScopeSet {
  return new Set([...of].filter((scope) => !without.has(scope)));
}

/** True when every member of `inner` is in `outer`; the empty set is a subset of all. */
export function isSubset(inner: ScopeSet, outer: ScopeSet): boolean {
  for (const scope of inner) if (!outer.has(scope)) return false;
  return true;
}
