import { createHmac, createSecretKey, type KeyObject } from 'node:crypto';

/** The HMAC key ring of the ledger's chain. The key never leaves the process: no statement ever carries it. */
export class LedgerKeys {
  readonly currentKid: string;
  private readonly ring: ReadonlyMap<string, KeyObject>;

  /** The key that makes new links, and those that made the links before. */
  constructor(current: Buffer, ...earlier: readonly Buffer[]) {
    this.currentKid = kidOf(current);
    this.ring = new Map([current, ...earlier].map((key) => [kidOf(key), createSecretKey(key)]));
  }

  /** The key of a chain link; undefined when the ring does not hold it. */
  key(kid: string): KeyObject | undefined {
    return this.ring.get(kid);
  }

  current(): KeyObject {
    return this.ring.get(this.currentKid) as KeyObject;
  }
}

function kidOf(key: Buffer): string {
  return `lh-${createHmac('sha256', key).update('caracal ledger key id').digest('hex').slice(0, 12)}`;
}
