import { createHash } from 'node:crypto';
import type { Secret } from '../../../kernel/secret.js';
import { deriveKey } from '../../secrets/index.js';
import { QUEUE_NAMES, type QueueName } from './queue-names.js';

const KEY_BYTES = 32;
const KID_BYTES = 8;

/** The keys that envelopes are sealed with: for each secret of the ring one key per queue, so no queue can speak for another. */
export class EnvelopeKeys {
  /** The id of the secret that seals; the others of the ring only open. */
  readonly current: string;
  private readonly rings: ReadonlyMap<string, ReadonlyMap<string, Buffer>>;

  /** `secrets`: the sealing one first. The id of a secret is derived from it, so replicas agree without configuration. */
  constructor(secrets: readonly (Buffer | Secret)[]) {
    const rings = secrets.map((secret) => [kidOf(secret), keysOf(secret)] as const);
    const [first] = rings;
    if (!first) throw new Error('envelopes need at least one secret');
    this.current = first[0];
    this.rings = new Map(rings);
  }

  keyOf(kid: string, queue: QueueName): Buffer | undefined {
    return this.rings.get(kid)?.get(queue);
  }
}

function keysOf(secret: Buffer | Secret): ReadonlyMap<string, Buffer> {
  return new Map(QUEUE_NAMES.map((queue) => [queue, deriveKey(secret, `queue-envelope:${queue}`, KEY_BYTES)]));
}

function kidOf(secret: Buffer | Secret): string {
  return createHash('sha256')
    .update(deriveKey(secret, 'queue-envelope-kid', KEY_BYTES))
    .digest('hex')
    .slice(0, 2 * KID_BYTES);
}
