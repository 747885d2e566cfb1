import type { KeyObject } from 'node:crypto';
import { chainMac, GENESIS_MAC, leafHash } from './chain.js';

/** A stored row, as whoever holds the table presents it. */
export interface StoredLink {
  readonly index: number;
  readonly eventId: string;
  /** Milliseconds. */
  readonly ingestedAt: number;
  readonly kid: string;
  readonly leaf: Buffer;
  readonly chainMac: Buffer;
  readonly entry: string;
}

/** The first thing that is wrong; `index` undefined when no single entry can be named. */
export interface Fault {
  readonly index: number | undefined;
  readonly reason: string;
}

/** Where a chain was accepted up to: what the next entry must follow. */
export interface ChainPosition {
  readonly next: number;
  readonly chainMac: Buffer;
  /** Milliseconds. */
  readonly ingestedAt: number;
}

/** Checks a zone's rows one by one, in the order given, and then the head. It stops at the first fault. */
export class ChainVerifier {
  private next: number;
  private previous: Buffer;
  private lastIngestedAt: number;
  private readonly eventIds = new Set<string>();

  constructor(
    private readonly zone: string,
    private readonly keyOf: (kid: string) => KeyObject | undefined,
    from: ChainPosition = { next: 0, chainMac: GENESIS_MAC, ingestedAt: Number.NEGATIVE_INFINITY },
  ) {
    this.next = from.next;
    this.previous = from.chainMac;
    this.lastIngestedAt = from.ingestedAt;
  }

  /** Everything before this was accepted. */
  get position(): ChainPosition {
    return { next: this.next, chainMac: this.previous, ingestedAt: this.lastIngestedAt };
  }

  /** Entries accepted so far. */
  get size(): number {
    return this.next;
  }

  /** The fault of the next row, or undefined when it is exactly what was appended at its index. */
  check(row: StoredLink): Fault | undefined {
    const reason = this.faultOf(row);
    if (reason) return { index: Math.min(row.index, this.next), reason };
    this.next += 1;
    this.previous = row.chainMac;
    this.lastIngestedAt = row.ingestedAt;
    this.eventIds.add(row.eventId);
    return undefined;
  }

  /** The fault of the head row after the last entry: a tail cut off, or a head moved. */
  checkHead(head: { nextIndex: number; chainMac: Buffer }): Fault | undefined {
    if (head.nextIndex > this.next)
      return { index: this.next, reason: `entries ${this.next} to ${head.nextIndex - 1} are missing` };
    if (head.nextIndex < this.next)
      return { index: undefined, reason: `the head says ${head.nextIndex} entries, the ledger holds ${this.next}` };
    return head.chainMac.equals(this.previous)
      ? undefined
      : { index: undefined, reason: 'the head is not the chain value of the last entry' };
  }

  private faultOf(row: StoredLink): string | undefined {
    if (row.index !== this.next)
      return row.index > this.next ? 'entry is missing' : 'index is duplicated or out of order';
    if (!leafHash(row.entry).equals(row.leaf)) return 'entry bytes do not match the leaf hash';
    if (this.eventIds.has(row.eventId)) return 'event id is duplicated';
    if (row.ingestedAt < this.lastIngestedAt) return 'entry is back-dated';
    const key = this.keyOf(row.kid);
    if (!key) return `chain key ${row.kid} is not in the key ring`;
    const expected = chainMac(key, { ...row, zone: this.zone }, this.previous);
    if (!expected.equals(row.chainMac)) return 'chain value does not match';
    return this.claimsOf(row);
  }

  /** The entry itself must say the zone and the event it is stored under. */
  private claimsOf(row: StoredLink): string | undefined {
    const entry = JSON.parse(row.entry) as { zone?: unknown; event_id?: unknown };
    if (entry.zone !== this.zone) return 'entry belongs to another zone';
    return entry.event_id === row.eventId ? undefined : 'event id is not the one in the entry';
  }
}
