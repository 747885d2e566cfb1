import { AppError } from '../../../kernel/app-error.js';
import { EMPTY_SCOPE, type ScopeSet } from '../../../kernel/scopes.js';
import {
  type DelegationEdge,
  heldAt,
  type Lineage,
  LineageError,
  sessionCeilings,
  type Target,
  traceLineage,
} from '../../../policy/index.js';

/** Where a lineage is read from; unknown objects are undefined. */
export type LineageSource = Parameters<typeof traceLineage>[0];

/** The part of a zone's catalogue that says what is granted where. */
export interface Granted {
  resourceByIdentifier(identifier: string): Target | undefined;
  application(id: string): { readonly blueprint: { readonly resources?: readonly string[] } } | undefined;
  grantsAt(
    application: string,
    resource: string,
  ): readonly { readonly scopes: ScopeSet; readonly label?: string; readonly expiresAt?: number }[];
}

/** What is held under a lineage, by resource identifier; nothing at a resource that is unknown or archived. */
export function heldUnder(lineage: Lineage, granted: Granted, now: number): (resource: string) => ScopeSet {
  const allowed = sessionCeilings(lineage.sessions, (id) => granted.application(id)?.blueprint.resources);
  const bounds = { ceilings: [...lineage.ceilings, ...allowed], grants: granted.grantsAt.bind(granted), now };
  return (identifier) => {
    const target = granted.resourceByIdentifier(identifier);
    return target ? heldAt(target, bounds) : EMPTY_SCOPE;
  };
}

/**
 * How authority came to a session, as `traceLineage` finds it. Throws `session_not_active` when the way up is broken by a session and
 * `authority_exceeded` when an edge on it cannot be used any more: then the session holds nothing.
 */
export async function lineageOf(
  source: LineageSource,
  start: { session: string; delegation?: string | undefined },
  now: number,
): Promise<Lineage> {
  try {
    return await traceLineage(source, start, now);
  } catch (error) {
    if (!(error instanceof LineageError)) throw error;
    const bySession = error.fault === 'session_unknown' || error.fault === 'session_not_active';
    if (bySession)
      throw new AppError('session_not_active', 'A session that the authority comes from is not active.', {
        detail: error.fault,
      });
    throw new AppError('authority_exceeded', 'The session holds no authority that it could use here.', {
      detail: error.fault,
    });
  }
}

/** {@link lineageOf}, or undefined where the session can use nothing that way. */
export async function lineageIfAny(
  source: LineageSource,
  start: { session: string; delegation?: DelegationEdge['id'] | undefined },
  now: number,
): Promise<Lineage | undefined> {
  try {
    return await lineageOf(source, start, now);
  } catch (error) {
    if (error instanceof AppError && (error.code === 'session_not_active' || error.code === 'authority_exceeded'))
      return undefined;
    throw error;
  }
}
