import type { SessionAuthority, SessionRecord } from './session.js';

/**
 * What kind of authority a session really has: nothing below a session that has none, narrowed below one that was narrowed, and nothing once
 * the edge that narrowed it has ended — it never becomes a root. The caller must pass the whole path from the root to the session.
 */
export function effectiveAuthority(
  path: readonly SessionRecord[],
  edgeIsLive: (id: string) => boolean,
): SessionAuthority {
  const bounded = path.findLast((session) => session.authority !== 'inherit');
  if (!bounded) return 'inherit';
  if (bounded.authority === 'none' || bounded.delegation === undefined) return 'none';
  return edgeIsLive(bounded.delegation) ? 'narrowed' : 'none';
}
