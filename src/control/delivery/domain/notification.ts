import { createHmac } from 'node:crypto';
import { isJsonObject, type JsonObject, type JsonValue } from '../../../kernel/json.js';
import { formatTime } from '../../../kernel/times.js';
import type { ApprovalPrivacy } from '../../domain/approvals/privacy-mode.js';
import { namelessSubject, operationKind } from '../../domain/approvals/privacy.js';

/** Members of an entry that leave the server: neither where a caller sat nor the whole input of a policy. */
const PUBLIC = [
  'event_id',
  'request_id',
  'txn',
  'actor',
  'subject',
  'application',
  'session',
  'delegation',
  'chain',
  'resource',
  'operation',
  'scopes',
  'decision',
  'reasons',
  'token',
  'approval',
  'detail',
] as const;
const SECRET_PREFIX = 'whsec_';

/**
 * What a webhook is sent about one entry: `{type, zone, at, data}`, `data` being the entry's public members and its index. Of work whose approval is
 * private it says no more than those who decide may see.
 */
export function notification(index: number, whole: JsonObject, privacy: ApprovalPrivacy = 'full'): JsonObject {
  const entry = privacy === 'full' ? whole : withoutWork(whole);
  const known = PUBLIC.filter((name) => entry[name] !== undefined).map((name) => [name, entry[name]] as const);
  return {
    type: entry['type'] as JsonValue,
    zone: entry['zone'] as JsonValue,
    at: entry['occurred_at'] as JsonValue,
    data: { index, ...(Object.fromEntries(known) as JsonObject), ...policyMembers(entry['policy']) },
  };
}

/** What a webhook is sent about a checkpoint: the signed note (C2SP tlog-checkpoint), and what its first lines say. `at` is when it was told. */
export function checkpointNotice(zone: string, note: string, at: number): JsonObject {
  const [origin = '', size = '', root = ''] = note.split('\n', 3);
  return {
    type: 'ledger.checkpoint',
    zone,
    at: formatTime(at),
    data: { origin, size: Number(size), root, checkpoint: note },
  };
}

function withoutWork(entry: JsonObject): JsonObject {
  const { subject, operation, detail, ...rest } = entry;
  const { authorization_details: _details, reason, ...shown } = isJsonObject(detail) ? detail : {};
  const kept = reason !== undefined && shown['approver_class'] !== 'subject' ? { ...shown, reason } : shown;
  return {
    ...rest,
    ...(typeof subject === 'string' ? { subject: namelessSubject(subject) } : {}),
    ...(isJsonObject(operation) ? { operation: operationKind(operation) } : {}),
    ...(detail === undefined ? {} : { detail: kept }),
  };
}

function policyMembers(policy: JsonValue | undefined): JsonObject {
  if (!isJsonObject(policy)) return {};
  const { version = null, determining = [] } = policy;
  return { policy: { version, determining } };
}

/** A webhook's secret as it is shown, from its bytes (Standard Webhooks: `whsec_` and base64). */
export function webhookSecret(key: Uint8Array): string {
  return `${SECRET_PREFIX}${Buffer.from(key).toString('base64')}`;
}

/**
 * The header fields of a delivery (Standard Webhooks 1.0): the id stays the same however often it is tried, so that its receiver can tell; the
 * timestamp, in seconds, is that of the attempt; the signature covers id, timestamp and the very bytes of the body.
 */
export function signedFields(
  key: Uint8Array,
  message: { readonly id: string; readonly timestamp: number; readonly body: string },
): Readonly<Record<string, string>> {
  const { id, timestamp, body } = message;
  const signature = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`, 'utf8').digest('base64');
  return { 'webhook-id': id, 'webhook-timestamp': String(timestamp), 'webhook-signature': `v1,${signature}` };
}
