import { Injectable } from '@nestjs/common';
import { AppError } from '../kernel/app-error.js';
import { ChangeFeed } from '../platform/changes/index.js';
import type { ChangeTx } from '../audit/index.js';
import { Database } from '../platform/database/index.js';
import { JWKS_MAX_AGE_SECONDS, publishableSeconds } from './domain/key-states.js';
import type { KeyAlgorithm, SigningKey } from './domain/token-keys.js';
import { KeyLifecycle, type Rotation } from './key-lifecycle.js';
import { KeyMinting } from './key-minting.js';
import { readLiveKeys } from './persistence/signing-keys.js';
import { assembleKeys, type KeySet, type ZoneKeys } from './zone-keys.js';

/** A zone's public keys, and for how long a verifier may hold them. */
export interface Publication {
  readonly keys: KeySet;
  readonly seconds: number;
}

/**
 * The keys of every zone that is in use, in memory, kept by the change feed. Ask only for zones that exist: what is
 * asked for is followed from then on.
 */
@Injectable()
export class KeyRing {
  private readonly zones = new Map<string, ZoneKeys>();
  /** Reads of one zone run one after the other, so that an older answer never replaces a newer one. */
  private readonly reading = new Map<string, Promise<void>>();
  private readonly listeners: ((zone: string) => void)[] = [];

  constructor(
    private readonly database: Database,
    private readonly feed: ChangeFeed,
    private readonly minting: KeyMinting,
    private readonly lifecycle: KeyLifecycle,
  ) {
    feed.subscribe(['key'], (zone) => (this.isFollowed(zone) ? this.read(zone) : undefined));
    feed.onReset((zone) => this.zones.delete(zone));
  }

  /** The zone's keys when they are in memory already. */
  warm(zone: string): ZoneKeys | undefined {
    return this.zones.get(zone);
  }

  async keys(zone: string): Promise<ZoneKeys> {
    const held = this.zones.get(zone);
    if (held) return held;
    await this.feed.load(zone);
    await (this.reading.get(zone) ?? this.read(zone));
    return this.zones.get(zone) ?? this.keys(zone);
  }

  /** The public keys that verifiers must know: next, active and retiring (RFC 7517 §5). */
  async publication(zone: string): Promise<Publication> {
    return { keys: (await this.keys(zone)).jwks, seconds: JWKS_MAX_AGE_SECONDS };
  }

  /**
   * The public keys in memory, when verifiers may still be given them; undefined otherwise. A view that is too old to decide on is not too old to publish:
   * keys are held by verifiers all the same, and no longer than if they had asked at the last proof of freshness.
   */
  remembered(zone: string): Publication | undefined {
    const held = this.zones.get(zone);
    const seconds = this.feed.isFresh ? JWKS_MAX_AGE_SECONDS : publishableSeconds(this.feed.staleness());
    return held && seconds > 0 ? { keys: held.jwks, seconds } : undefined;
  }

  async signingKey(zone: string): Promise<SigningKey> {
    const { signing } = this.zones.get(zone) ?? (await this.keys(zone));
    if (!signing)
      throw new AppError('temporarily_unavailable', 'The zone has no key to sign with.', { detail: 'no_active_key' });
    return signing;
  }

  /** A new zone's keys; belongs in the transaction that creates the zone. */
  ensureZone(tx: ChangeTx, zone: string, alg: KeyAlgorithm = 'ES256'): Promise<void> {
    return this.lifecycle.ensureZone(tx, zone, alg);
  }

  /** Lets the next key sign, see {@link KeyLifecycle.rotate}. */
  rotate(tx: ChangeTx, mode: 'when_published' | 'now'): Promise<Rotation> {
    return this.lifecycle.rotate(tx, mode);
  }

  /** Ends a key at once, see {@link KeyLifecycle.revoke}. */
  revoke(tx: ChangeTx, kid: string): Promise<boolean> {
    return this.lifecycle.revoke(tx, kid);
  }

  /** `listener` hears of a zone that has lost a key: what that key signed is no longer good, nor is work that goes on under it. */
  onGone(listener: (zone: string) => void): void {
    this.listeners.push(listener);
  }

  private isFollowed(zone: string): boolean {
    return this.zones.has(zone) || this.reading.has(zone);
  }

  private read(zone: string): Promise<void> {
    const before = this.reading.get(zone) ?? Promise.resolve();
    const reading = before
      .catch(() => undefined)
      .then(() => this.replace(zone))
      .finally(() => {
        if (this.reading.get(zone) === reading) this.reading.delete(zone);
      });
    this.reading.set(zone, reading);
    return reading;
  }

  private async replace(zone: string): Promise<void> {
    const rows = await this.database.readZone(zone, readLiveKeys);
    const before = this.zones.get(zone);
    const after = assembleKeys(zone, rows, this.minting, before);
    this.zones.set(zone, after);
    const lost = [...(before?.byId.keys() ?? [])].some((kid) => !after.byId.has(kid));
    if (lost) for (const listener of this.listeners) listener(zone);
  }
}
