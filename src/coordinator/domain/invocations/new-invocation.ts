import { createHash } from 'node:crypto';
import { canonicalize } from '../../../kernel/canonical-json.js';
import type { JsonValue } from '../../../kernel/json.js';
import { isWellFormed } from '../../../kernel/well-formed.js';
import type { SessionRecord } from '../sessions/session.js';
import type { Invocation } from './invocation.js';

export interface InvocationRequest {
  readonly target: string;
  readonly deadlineSeconds: number;
  readonly maxAttempts?: number | undefined;
  readonly backoffSeconds?: number | undefined;
  readonly inputDigest?: string | undefined;
  readonly input?: JsonValue | undefined;
}

const MOST_PAYLOAD_BYTES = 64 * 1024;

/** A pending invocation from one session to another. The caller has checked that both are active. */
export function newInvocation(
  asked: InvocationRequest,
  parties: { id: string; source: SessionRecord; target: SessionRecord; now: number },
): Invocation {
  const { id, source, target, now } = parties;
  return {
    id,
    source: source.id,
    target: target.id,
    sourceApplication: source.application,
    targetApplication: target.application,
    txn: source.txn,
    status: 'pending',
    attempts: 0,
    maxAttempts: asked.maxAttempts ?? 1,
    backoffSeconds: asked.backoffSeconds ?? 0,
    deadlineAt: now + asked.deadlineSeconds * 1000,
    availableAt: now,
    inputDigest: asked.inputDigest ?? digestOf(asked.input),
    input: asked.input,
    createdAt: now,
  };
}

/** `sha256:<hex>` of the canonical JSON (RFC 8785): what the ledger keeps of a payload. Undefined without one. */
export function digestOf(payload: JsonValue | undefined): string | undefined {
  return payload === undefined
    ? undefined
    : `sha256:${createHash('sha256').update(canonicalize(payload)).digest('hex')}`;
}

/** True for any JSON of at most 64 KiB. Text with NUL or lone surrogates is refused: no JSON column can hold it. */
export function isPayload(value: unknown): value is JsonValue {
  const text = JSON.stringify(value) as string | undefined;
  return text !== undefined && Buffer.byteLength(text) <= MOST_PAYLOAD_BYTES && isStorable(value as JsonValue);
}

function isStorable(value: JsonValue): boolean {
  if (typeof value === 'string') return !value.includes('\0') && isWellFormed(value);
  if (typeof value !== 'object' || value === null) return true;
  return Object.entries(value).every(([name, item]) => isStorable(name) && isStorable(item));
}
