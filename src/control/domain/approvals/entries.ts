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

/** A hold was raised: everything that its binding is made of, and who must decide. Authorization details and the message to who decides may be personal. */
export function requestedEntry(approval: Approval, cause: NewsCause): Entry {
  const { authorizationDetails, message } = approval;
  const personal: JsonObject = {
    ...(authorizationDetails === undefined ? {} : { authorization_details: authorizationDetails }),
    ...(message === undefined ? {} : { message }),
  };
  return news(
    'requested',
    approval,
    { ...cause, personal },
    {
      origin: approval.origin,
      approver_class: approval.approverClass,
      quorum: approval.quorum,
      expires_at: formatTime(approval.expiresAt),
      policy_version: approval.policyVersion,
      ...(approval.privacy === 'full' ? {} : { privacy: approval.privacy }),
      determining: approval.determining,
      ...(approval.resources.length === 1 ? {} : { resources: approval.resources.map((held) => held.identifier) }),
      ...(authorizationDetails === undefined
        ? {}
        : { authorization_details: hash('sha256', canonicalize([...authorizationDetails]), 'base64url') }),
    },
  );
}

/** A person decided; `status` is what the hold is then. Their words are personal. */
export function decidedEntry(
  approval: Approval,
  { decision, approverClass, reason }: Verdict,
  cause: NewsCause,
): Entry {
  const personal: JsonObject = reason === undefined ? {} : { reason };
  return news(
    'decided',
    approval,
    { ...cause, personal },
    {
      decision,
      approver_class: approverClass,
      status: approval.status,
    },
  );
}

export function consumedEntry(approval: Approval, cause: NewsCause): Entry {
  return news('consumed', approval, cause, {});
}

/** Time ended the hold; `status` is what it was before. */
export function expiredEntry(approval: Approval, cause: NewsCause): Entry {
  return news('expired', approval, cause, { status: approval.status });
}

interface PersonalCause extends NewsCause {
  readonly personal?: JsonObject;
}

function news(name: string, approval: Approval, cause: PersonalCause, detail: JsonObject): Entry {
  const { actor, origin, at, personal } = cause;
  const client: JsonObject | undefined = origin && {
    address: origin.address,
    ...(origin.userAgent === undefined ? {} : { user_agent: origin.userAgent }),
  };
  // From where a person acts is personal.
  const isPerson = actor.kind === 'human';
  return {
    type: `approval.${name}`,
    occurredAt: at,
    actor,
    ...(origin === undefined
      ? {}
      : { requestId: origin.requestId, traceId: origin.traceId, ...(isPerson ? {} : { client }) }),
    personal: isPerson && client ? { ...personal, client } : personal,
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
