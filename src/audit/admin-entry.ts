import { createHash } from 'node:crypto';
import { canonicalize } from '../kernel/canonical-json.js';
import type { JsonObject } from '../kernel/json.js';
import type { Actor, EntryDraft } from './domain/entry.js';

/** Who administers, as the credential says. */
export interface AdminActor {
  /** Of the admin token, or the application of an agent that administers through control invoke. */
  readonly id: string;
  readonly agent?: { readonly jti: string; readonly session?: string | undefined } | undefined;
}

/** What is known of the request that administers. */
export interface RequestOrigin {
  readonly requestId: string;
  readonly traceId?: string | undefined;
  readonly address: string;
  readonly userAgent?: string | undefined;
}

export interface AdminAct {
  /** `<area>.<action>`; the entry's type is `admin.<area>.<action>`. */
  readonly action: string;
  /** What was acted on: `<kind>:<id>`. */
  readonly target: string;
  readonly occurredAt: number;
  /** Public representations without secrets; only their digests are recorded. */
  readonly before?: JsonObject | undefined;
  readonly after?: JsonObject | undefined;
  readonly detail?: JsonObject;
}

/** Who administers as the ledger names it: a person by the id of the token, an agent by its application and its token's `jti`. */
export function administratorActor({ id, agent }: AdminActor): Actor {
  return agent ? { kind: 'agent', id, token: agent.jti } : { kind: 'human', token: id };
}

/** The ledger entry of an administrative change: who, what, on what, and digests of before and after. */
export function adminEntry(actor: AdminActor, origin: RequestOrigin, act: AdminAct): Omit<EntryDraft, 'zone'> {
  return {
    type: `admin.${act.action}`,
    occurredAt: act.occurredAt,
    requestId: origin.requestId,
    traceId: origin.traceId,
    actor: administratorActor(actor),
    ...(actor.agent ? { application: actor.id, session: actor.agent.session } : {}),
    ...(actor.agent ? { client: clientOf(origin) } : { personal: { client: clientOf(origin) } }),
    detail: {
      ...act.detail,
      target: act.target,
      ...(act.before ? { before_digest: digest(act.before) } : {}),
      ...(act.after ? { after_digest: digest(act.after) } : {}),
    },
  };
}

/** From where: of a person that is personal. */
function clientOf({ address, userAgent }: RequestOrigin): JsonObject {
  return { address, ...(userAgent === undefined ? {} : { user_agent: userAgent }) };
}

function digest(value: JsonObject): string {
  return `sha256:${createHash('sha256').update(canonicalize(value), 'utf8').digest('hex')}`;
}
