import { randomBytes } from 'node:crypto';
import type { Envelope, SealContext } from '../../platform/secrets/index.js';
import { SYSTEM_ZONE } from '../domain/zone.js';

const KEY_BYTES = 32;

/** Keys that sign deliveries, sealed at rest; each belongs to one webhook. */
export class WebhookSecrets {
  constructor(private readonly envelope: Envelope) {}

  /** A fresh key and how it is stored. */
  make(webhook: string): { readonly key: Buffer; readonly sealed: Buffer } {
    const key = randomBytes(KEY_BYTES);
    return { key, sealed: this.envelope.seal(key, contextOf(webhook)) };
  }

  open(webhook: string, sealed: Buffer): Buffer {
    return this.envelope.open(sealed, contextOf(webhook));
  }
}

function contextOf(webhook: string): SealContext {
  return {
    purpose: 'webhook secret',
    zone: SYSTEM_ZONE,
    table: 'webhooks',
    row: webhook,
    column: 'secret_sealed',
    version: 1,
  };
}
