import { AppError } from '../../../kernel/app-error.js';
import type { SessionRecord } from './session.js';

/** Who calls the runtime API: an application, or one of its sessions. */
export interface RuntimeCaller {
  readonly application: string;
  /** Undefined for an application token. */
  readonly session?: string | undefined;
}

/** What is done to a session. `own` acts (heartbeat, refresh, suspend, resume) are for the session itself and its application. */
export type Act = 'own' | 'start_child' | 'read' | 'terminate';

/**
 * Undefined when the caller may do this to the session; otherwise how it is refused. An application acts on all its sessions; a session acts
 * on itself, starts its own children, reads its subtree and terminates its descendants. Other applications' sessions do not exist to it.
 */
export function refuseAct(
  caller: RuntimeCaller,
  session: Pick<SessionRecord, 'id' | 'application' | 'path'>,
  act: Act,
): 'not_found' | 'access_denied' | undefined {
  if (session.application !== caller.application) return 'not_found';
  if (caller.session === undefined || caller.session === session.id) return undefined;
  const reaches = (act === 'read' || act === 'terminate') && session.path.includes(caller.session);
  return reaches ? undefined : 'access_denied';
}

/** {@link refuseAct} as a refusal that is thrown; an unknown session is `not_found` like a foreign one. */
export function requireReach<T extends SessionRecord>(caller: RuntimeCaller, session: T | undefined, act: Act): T {
  const refusal = session ? refuseAct(caller, session, act) : 'not_found';
  if (!session || refusal === 'not_found') throw new AppError('not_found', 'There is no such session.');
  if (refusal) throw new AppError('access_denied', 'The token does not reach this session.');
  return session;
}
