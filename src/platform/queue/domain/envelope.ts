import { createHmac, timingSafeEqual } from 'node:crypto';
import { canonicalize } from '../../../kernel/canonical-json.js';
import { isJsonObject, parseJsonStrict, type JsonObject } from '../../../kernel/json.js';
import { lp } from '../../../kernel/length-prefixed.js';
import type { EnvelopeKeys } from './envelope-keys.js';
import type { Message } from './message.js';
import type { QueueName } from './queue-names.js';

/** What travels through a queue. `body` is canonical JSON as text, so that nothing is parsed before `mac` is checked. */
export interface Envelope {
  readonly v: 1;
  readonly kid: string;
  readonly queue: string;
  readonly name: string;
  readonly id: string;
  readonly zone: string;
  readonly iat: number;
  readonly exp: number;
  readonly body: string;
  readonly mac: string;
}

export type EnvelopeFault =
  'malformed' | 'foreign_queue' | 'unknown_key' | 'forged' | 'premature' | 'expired' | 'body_invalid';

/** Why an envelope was refused; `message` is there once the envelope is known to be our own. */
export class EnvelopeError extends Error {
  override readonly name = 'EnvelopeError';

  constructor(
    readonly fault: EnvelopeFault,
    readonly authentic?: { readonly zone: string; readonly id: string },
  ) {
    super(`envelope refused: ${fault}`);
  }
}

const DOMAIN = 'caracal-queue-envelope';
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const MAC = /^[A-Za-z0-9_-]{43}$/;
/** Replicas' clocks may differ by this much; readiness refuses a process that is further off. */
const CLOCK_SKEW_MS = 60_000;
const MAX_BODY_DEPTH = 32;

/** Guarantees an envelope that {@link openEnvelope} accepts on the same queue until `expiresAt`, and on no other queue. */
export function sealEnvelope(keys: EnvelopeKeys, message: Message): Envelope {
  const signed = {
    v: 1 as const,
    kid: keys.current,
    queue: message.queue,
    name: message.name,
    id: message.id,
    zone: message.zone,
    iat: message.issuedAt,
    exp: message.expiresAt,
    body: canonicalize(message.body),
  };
  const key = keys.keyOf(keys.current, message.queue);
  if (!key) throw new Error('the current envelope key is missing from its own ring');
  return { ...signed, mac: macOf(key, signed).toString('base64url') };
}

/**
 * Guarantees that the message was sealed for this very queue by a holder of the key, unaltered, and has not expired; throws
 * {@link EnvelopeError} otherwise. The body is parsed only after the MAC has been checked (threat T7). The caller must not assume that
 * the message has not been seen before.
 */
export function openEnvelope(keys: EnvelopeKeys, queue: QueueName, value: unknown, now: number): Message {
  if (!isEnvelope(value)) throw new EnvelopeError('malformed');
  if (value.queue !== queue) throw new EnvelopeError('foreign_queue');
  const key = keys.keyOf(value.kid, queue);
  if (!key) throw new EnvelopeError('unknown_key');
  if (!timingSafeEqual(macOf(key, value), Buffer.from(value.mac, 'base64url'))) throw new EnvelopeError('forged');
  const authentic = { zone: value.zone, id: value.id };
  if (value.iat > now + CLOCK_SKEW_MS) throw new EnvelopeError('premature', authentic);
  if (value.exp <= now) throw new EnvelopeError('expired', authentic);
  return toMessage(value, queue);
}

/** The message of an envelope that is authentic but may have expired: what an administrator may send again. */
export function reopenEnvelope(keys: EnvelopeKeys, queue: QueueName, value: unknown): Message {
  return openEnvelope(keys, queue, value, isEnvelope(value) ? Math.min(value.iat, value.exp - 1) : 0);
}

function toMessage(envelope: Envelope, queue: QueueName): Message {
  const { name, id, zone, iat, exp } = envelope;
  return { queue, name, id, zone, issuedAt: iat, expiresAt: exp, body: parseBody(envelope) };
}

function parseBody(envelope: Envelope): JsonObject {
  const authentic = { zone: envelope.zone, id: envelope.id };
  try {
    const body = parseJsonStrict(envelope.body, { maxDepth: MAX_BODY_DEPTH });
    if (isJsonObject(body)) return body;
  } catch {
    // Falls through: a body that is authentic and still no JSON is our own fault, and never becomes right.
  }
  throw new EnvelopeError('body_invalid', authentic);
}

function macOf(key: Buffer, envelope: Omit<Envelope, 'mac'>): Buffer {
  const { v, kid, queue, name, id, zone, iat, exp, body } = envelope;
  return createHmac('sha256', key)
    .update(lp(DOMAIN, v, kid, queue, name, id, zone, iat, exp, body))
    .digest();
}

const TEXTS = ['kid', 'queue', 'name', 'id', 'zone', 'body', 'mac'] as const;

function isEnvelope(value: unknown): value is Envelope {
  if (!isJsonObject(value) || value.v !== 1) return false;
  if (TEXTS.some((member) => typeof value[member] !== 'string')) return false;
  if (!isTime(value.iat) || !isTime(value.exp)) return false;
  return UUID.test(value.id as string) && MAC.test(value.mac as string);
}

function isTime(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
