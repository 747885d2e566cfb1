import type { TokenClaims } from '../../auth/index.js';
import type { RequestOrigin } from '../../audit/index.js';
import type { Initiator } from '../domain/initiator.js';
import type { RuntimeCaller } from '../domain/sessions/reach.js';

/** A request of an application or of one of its sessions, as its verified token says. */
export interface RuntimeCall {
  readonly zone: string;
  readonly claims: TokenClaims;
  /** Thumbprint of the key whose holder sent the request. */
  readonly provenKey?: string | undefined;
  readonly origin: RequestOrigin;
}

export function callerOf({ claims }: RuntimeCall): RuntimeCaller {
  return { application: claims.client_id, session: claims.sid };
}

/** An agent acts under its session, an application that has none under itself. */
export function initiatorOf({ claims, origin }: RuntimeCall): Initiator {
  const id = claims.sid ?? claims.client_id;
  const name = `${claims.sid === undefined ? 'application' : 'session'}:${id}`;
  return { actor: { kind: 'agent', id, token: claims.jti }, name, origin };
}
