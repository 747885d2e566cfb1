import type { Actor, EntryDraft } from '../../audit/index.js';

/** Who causes a change of the runtime, as the credential says, and what is known of the request; neither for the server's own work. */
export interface Initiator {
  readonly actor: Actor;
  /** `<admin|application|session|system>:<id>`. */
  readonly name: string;
  readonly origin?:
    | {
        readonly requestId: string;
        readonly traceId?: string | undefined;
        readonly address: string;
        readonly userAgent?: string | undefined;
      }
    | undefined;
}

/** The server itself: expiry, settling. */
export const SYSTEM: Initiator = { actor: { kind: 'system' }, name: 'system:caracal' };

/** The members of a ledger entry that come from whoever caused it. */
export function causedBy({ actor, origin }: Initiator): Pick<EntryDraft, 'actor' | 'requestId' | 'traceId' | 'client'> {
  if (!origin) return { actor };
  const { requestId, traceId, address, userAgent } = origin;
  return { actor, requestId, traceId, client: { address, user_agent: userAgent } };
}
