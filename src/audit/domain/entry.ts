import { canonicalizePresent } from '../../kernel/canonical-json.js';
import type { JsonObject } from '../../kernel/json.js';
import { formatTime } from '../../kernel/times.js';

/** Version of the canonical form. A reader refuses versions it does not know. */
export const ENTRY_VERSION = 1;

/** The largest canonical entry that is accepted, in bytes of UTF-8. */
export const MAX_ENTRY_BYTES = 64 * 1024;

/** Who caused what is recorded; from the credential, never from a header. */
export interface Actor {
  readonly kind: 'human' | 'agent' | 'system';
  readonly id?: string;
  readonly token?: string;
}

/** What a part of the server wants recorded; members that do not apply are absent. It must hold no token bytes and no secret. */
export interface EntryDraft {
  readonly type: string;
  readonly zone: string;
  /** Milliseconds; fixed once, before deciding, and the only clock the decision read. */
  readonly occurredAt: number;
  readonly requestId?: string | undefined;
  readonly txn?: string | undefined;
  readonly actor: Actor;
  readonly subject?: string | undefined;
  readonly application?: string | undefined;
  readonly session?: string | undefined;
  readonly delegation?: string | undefined;
  readonly chain?: readonly string[] | undefined;
  /** The resource's identifier. */
  readonly resource?: string | undefined;
  readonly operation?: JsonObject | undefined;
  readonly scopes?: readonly string[] | undefined;
  readonly decision?: 'allow' | 'deny' | 'hold' | undefined;
  readonly reasons?: readonly string[] | undefined;
  readonly policy?: JsonObject | undefined;
  readonly token?: { readonly jti: string; readonly exp: number } | undefined;
  readonly approval?: string | undefined;
  readonly traceId?: string | undefined;
  readonly client?: { readonly address?: string | undefined; readonly user_agent?: string | undefined } | undefined;
  readonly detail?: JsonObject | undefined;
  /** What may have to be erased: kept beside the ledger. The entry has a salted commitment to it, and nothing of it. */
  readonly personal?: JsonObject | undefined;
}

/**
 * The canonical entry: exactly the text that is stored and hashed (RFC 8785). `reasons` is kept only where it explains a
 * deny or a hold; `commitment` is to what of the draft is personal. Throws TypeError on values JSON cannot carry and RangeError on an entry over the size limit.
 */
export function canonicalEntry(draft: EntryDraft, eventId: string, commitment?: string): string {
  const explained = draft.decision === 'deny' || draft.decision === 'hold';
  // Spelled out member by member: an object of one fixed shape is several times faster to write than a copied one.
  const text = canonicalizePresent({
    v: ENTRY_VERSION,
    zone: draft.zone,
    event_id: eventId,
    type: draft.type,
    occurred_at: formatTime(draft.occurredAt),
    request_id: draft.requestId,
    txn: draft.txn,
    actor: draft.actor,
    subject: draft.subject,
    application: draft.application,
    session: draft.session,
    delegation: draft.delegation,
    chain: draft.chain,
    resource: draft.resource,
    operation: draft.operation,
    personal: commitment,
    scopes: draft.scopes,
    decision: draft.decision,
    reasons: explained ? draft.reasons : undefined,
    policy: draft.policy,
    token: draft.token,
    approval: draft.approval,
    trace_id: draft.traceId,
    client: draft.client,
    detail: draft.detail,
  } satisfies Record<EntryMember, unknown>);
  // A character takes at most three bytes, so most entries need not be measured.
  if (text.length * 3 > MAX_ENTRY_BYTES && Buffer.byteLength(text) > MAX_ENTRY_BYTES) {
    throw new RangeError(`a ledger entry of ${Buffer.byteLength(text)} bytes is over the limit`);
  }
  return text;
}

/** Every member of an entry; a draft's member that is missing above does not compile. */
type EntryMember =
  | Exclude<keyof EntryDraft, 'occurredAt' | 'requestId' | 'traceId'>
  | 'v'
  | 'event_id'
  | 'occurred_at'
  | 'request_id'
  | 'trace_id';
