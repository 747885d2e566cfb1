import { hash } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { CLOCK, type Clock } from '../kernel/clock.js';
import { epochSeconds } from '../kernel/times.js';
import { PublicUrls } from '../platform/urls/index.js';
import type { TokenClaims, TokenClass } from './domain/token-claims.js';
import { admit, authenticate, type AuthenticToken } from './domain/verify-token.js';
import { KeyRing } from './key-ring.js';
import type { ZoneKeys } from './zone-keys.js';

/** A token that is ours, of a class that was asked for, in its time. Whether it was revoked is another question. */
export interface VerifiedToken {
  readonly klass: TokenClass;
  readonly claims: TokenClaims;
  /** base64url of SHA-256 of the token; also the `ath` of a DPoP proof (RFC 9449 §4.2). */
  readonly tokenHash: string;
  /** The key that signed it. */
  readonly kid: string;
}

export interface ExpectedToken {
  /** A zone that exists. */
  readonly zone: string;
  readonly classes: readonly TokenClass[];
  /** For mandates: they must name it among their audiences. */
  readonly audience?: string;
}

const MOST_REMEMBERED = 10_000;

/** The one place where tokens of ours are verified; what differs between classes is their profile (RFC 8725 §3.12). */
@Injectable()
export class TokenVerifier {
  /** Signatures that were checked, by hash of the token. Each holds only while its key is published; times are checked at each use. */
  private readonly remembered = new LRUCache<string, AuthenticToken>({ max: MOST_REMEMBERED });

  constructor(
    private readonly ring: KeyRing,
    private readonly urls: PublicUrls,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** Throws `TokenError` for every token that may not be used; other errors mean that it could not be judged. Revocation is not looked at. */
  async verify(token: string, expected: ExpectedToken): Promise<VerifiedToken> {
    const keys = this.ring.warm(expected.zone) ?? (await this.ring.keys(expected.zone));
    return this.judge(token, expected, keys);
  }

  /** True while the key that signed a verified token is published: for work that goes on under a token after it was verified. */
  async isKeyLive(zone: string, kid: string): Promise<boolean> {
    return (await this.ring.keys(zone)).byId.has(kid);
  }

  private judge(token: string, expected: ExpectedToken, keys: ZoneKeys): VerifiedToken {
    const tokenHash = hash('sha256', token, 'base64url');
    const held = this.remembered.get(tokenHash);
    // The same key object means the same zone and a key that is still published.
    const known =
      held && keys.byId.get(held.key.kid) === held.key
        ? held
        : this.authenticate(token, tokenHash, expected.zone, keys);
    const { classes, audience } = expected;
    admit(known, { classes, audience, now: epochSeconds(this.clock.now()) });
    return { klass: known.klass, claims: known.claims, tokenHash, kid: known.key.kid };
  }

  private authenticate(...[token, tokenHash, zone, keys]: [string, string, string, ZoneKeys]): AuthenticToken {
    const authentic = authenticate(token, {
      zone,
      keys: keys.byId,
      issuer: this.urls.issuer(zone),
      control: this.urls.controlInvoke(),
    });
    this.remembered.set(tokenHash, authentic);
    return authentic;
  }
}
