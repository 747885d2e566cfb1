import { Injectable } from '@nestjs/common';
import { epochSeconds } from '../../kernel/times.js';
import { newUuid } from '../../platform/ids/index.js';
import { PublicUrls } from '../../platform/urls/index.js';
import type { ZoneView } from '../../control/index.js';
import { RuntimeState } from '../../coordinator/index.js';
import { narrowLifetime } from '../../policy/index.js';
import { lifetimeRefusal, type TokenBasis } from '../domain/mandate-claims.js';
import type { TokenRequest } from './grant.js';

export interface BasisRequest {
  readonly klass: 'application' | 'mandate' | 'control';
  /** Seconds asked for; omitted, the zone's usual lifetime of the class. */
  readonly lifetime?: number | undefined;
  /** When each ancestor but the client itself ends, in milliseconds. */
  readonly ancestors: readonly number[];
  /** `sub` of the new token: the epoch it is minted under is this subject's. */
  readonly subject: string;
  /** The subject's epoch when it was proved; without it the one of now. */
  readonly subjectEpoch?: number | undefined;
  /** Carried through from the subject token. */
  readonly txn?: string | undefined;
}

/** What a new token has whatever it is for: issuer, client, span within every ancestor's, fresh id, epochs. */
@Injectable()
export class TokenBases {
  constructor(
    private readonly urls: PublicUrls,
    private readonly runtime: RuntimeState,
  ) {}

  async basis({ zone, client, key, now }: TokenRequest, asked: BasisRequest): Promise<TokenBasis> {
    const issuedAt = epochSeconds(now);
    const { application, credential } = client;
    const ancestors = [...asked.ancestors, application.expiresAt ?? Number.POSITIVE_INFINITY];
    const lifetime = narrowLifetime(asked.klass, {
      issuedAt,
      asked: asked.lifetime ?? usual(zone, asked.klass),
      ancestors,
    });
    if (!lifetime.ok) throw lifetimeRefusal(lifetime.fault);
    const subjectEpoch = asked.subjectEpoch ?? (await this.runtime.subjectEpoch(zone.slug, asked.subject));
    return {
      issuer: this.urls.issuer(zone.slug),
      zone: zone.slug,
      client: { application: application.id, credential },
      span: { issuedAt, expiresAt: lifetime.expiresAt },
      jti: newUuid(),
      txn: asked.txn ?? newUuid(),
      jkt: key?.jkt,
      epochs: { z: zone.epoch, a: application.epoch, s: subjectEpoch },
    };
  }
}

/** The zone's usual lifetime of a class, in seconds; control tokens have that of their class. */
function usual({ settings }: ZoneView, klass: BasisRequest['klass']): number | undefined {
  if (klass === 'control') return undefined;
  return klass === 'application'
    ? settings.token_lifetimes.application_seconds
    : settings.token_lifetimes.mandate_seconds;
}
