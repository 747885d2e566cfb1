import { AppError } from '../../../kernel/app-error.js';
import type { RuntimeCaller } from '../sessions/reach.js';
import type { Invocation } from './invocation.js';

/** Whose act something is: `source` cancels and retries, `target` works, both read. */
export type Party = 'source' | 'target';

/**
 * Refuses unless the caller is this party of the invocation: the very session, or its application. The other party, and a session that only
 * stands above one of them, is `access_denied`; to whoever is no party the invocation does not exist. `above` says whether the caller's
 * session stands above a session.
 */
export function requireParty<T extends Invocation>(
  caller: RuntimeCaller,
  invocation: T | undefined,
  need: { act: Party | 'read'; above: (session: string) => boolean },
): T {
  if (!invocation) throw unknown();
  const sides = (['source', 'target'] as const).filter((side) => isParty(caller, invocation, side));
  if (need.act !== 'read' && sides.includes(need.act)) return invocation;
  const known = sides.length > 0 || need.above(invocation.source) || need.above(invocation.target);
  if (!known) throw unknown();
  if (need.act === 'read') return invocation;
  throw new AppError('access_denied', `Only the invocation’s ${need.act} may do this.`);
}

function isParty({ application, session }: RuntimeCaller, invocation: Invocation, side: Party): boolean {
  const own = side === 'source' ? invocation.sourceApplication : invocation.targetApplication;
  return own === application && (session === undefined || session === invocation[side]);
}

function unknown(): AppError {
  return new AppError('not_found', 'There is no such invocation.');
}
