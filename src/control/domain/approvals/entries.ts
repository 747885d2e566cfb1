import { hash } from 'node:crypto';
import type { Actor, EntryDraft, RequestOrigin } from '../../../audit/index.js';
import { canonicalize } from '../../../kernel/canonical-json.js';
import type { JsonObject } from '../../../kernel/json.js';
import { formatTime } from '../../../kernel/times.js';
import type { Approval } from './approval.js';
import type { Verdict } from './transitions.js';

type Entry = Omit<EntryDraft, 'zone'>;

/** Who caused the news, and in which request; no origin for the server's own work. */
export interface NewsCause {
  readonly actor: Actor;
  readonly origin?: RequestOrigin | undefined;
  /** Milliseconds. */
  readonly at: number;
}

/** A hold was raised: everything that its binding is made of, and who must decide. Of authorization details, which may be personal, a digest. */
export function requestedEntry(approval: Approval, cause: NewsCause): Entry {
  return news('requested', approval, cause, {
    origin: approval.origin,
    approver_class: approval.approverClass,
    quorum: approval.quorum,
    expires_at: formatTime(approval.expiresAt),
    policy_version: approval.policyVersion,
    ...(approval.privacy === 'full' ? {} : { privacy: approval.privacy }),
    determining: approval.determining,
    ...(approval.resources.length === 1 ? {} : { resources: approval.resources.map((held) => held.identifier) }),
    ...(approval.authorizationDetails === undefined
      ? {}
      : { authorization_details: hash('sha256', canonicalize([...approval.authorizationDetails]), 'base64url') }),
    ...(approval.message === undefined ? {} : { message: approval.message }),
  });
}

/** A person decided; `status` is what the hold is then. */
export function decidedEntry(
  approval: Approval,
  { decision, approverClass, reason }: Verdict,
  cause: NewsCause,
): Entry {
  return news('decided', approval, cause, {
    decision,
    approver_class: approverClass,
    status: approval.status,
    ...(reason === undefined ? {} : { reason }),
  });
}

export function consumedEntry(approval: Approval, cause: NewsCause): Entry {
  return news('consumed', approval, cause, {});
}

/** Time ended the hold; `status` is what it was before. */
export function expiredEntry(approval: Approval, cause: NewsCause): Entry {
  return news('expired', approval, cause, { status: approval.status });
}

function news(name: string, approval: Approval, { actor, origin, at }: NewsCause, detail: JsonObject): Entry {
  return {
    type: `approval.${name}`,
    occurredAt: at,
    actor,
    ...(origin === undefined
      ? {}
      : {
          requestId: origin.requestId,
          traceId: origin.traceId,
          client: { address: origin.address, user_agent: origin.userAgent },
        }),
    txn: approval.txn,
    application: approval.application,
    session: approval.session,
    subject: approval.subject,
    delegation: approval.delegation,
    resource: approval.resources.length === 1 ? approval.resources[0]?.identifier : undefined,
    operation: approval.operation,
    scopes: approval.scopes,
    approval: approval.id,
    detail: { binding: approval.binding, ...detail },
  };
}
