import { randomBytes } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { AppError } from '../../kernel/app-error.js';
import { CLOCK, type Clock } from '../../kernel/clock.js';
import { adminEntry, type AdminActor, AuditedChanges, type RequestOrigin } from '../../audit/index.js';
import { Catalogue, type ProviderView } from '../../control/index.js';
import { Database } from '../../platform/database/index.js';
import { newId } from '../../platform/ids/index.js';
import { PublicUrls } from '../../platform/urls/index.js';
import { formatState, PENDING_MS, stateHash } from '../domain/upstream/connection-state.js';
import { authorizeUrl } from '../domain/upstream/token-request.js';
import type { ConnectionEntity } from '../persistence/connection.entity.js';
import {
  type ConnectionFilter,
  getConnection,
  holdProvider,
  insertConnection,
  listConnections,
} from '../persistence/connection-rows.js';
import { SealedTokens } from './sealed-tokens.js';
import { readyProvider } from './token-place.js';

/** Who administers which zone. */
export interface ConnectionCall {
  readonly zone: string;
  readonly admin: AdminActor;
  readonly origin: RequestOrigin;
}

export interface NewConnection {
  readonly row: ConnectionEntity;
  /** Where the account's owner is to be sent; shown once, because whoever has it may connect an account of their own. */
  readonly authorizeUrl: string;
}

const RANDOM_BYTES = 32;

/** Connections as administrators see them. */
@Injectable()
export class Connections {
  constructor(
    private readonly database: Database,
    private readonly changes: AuditedChanges,
    private readonly catalogue: Catalogue,
    private readonly sealed: SealedTokens,
    private readonly urls: PublicUrls,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** Begins the connect flow (RFC 6749 §4.1 with PKCE). Throws `invalid_request` for a provider that has none. */
  async create(
    call: ConnectionCall,
    wanted: { readonly provider: string; readonly subject?: string | undefined },
  ): Promise<NewConnection> {
    const provider = await this.provider(call.zone, wanted.provider);
    const id = newId('con');
    const state = formatState(call.zone, randomBytes(RANDOM_BYTES));
    const verifier = randomBytes(RANDOM_BYTES).toString('base64url');
    const row = await this.changes.run(call.zone, async (tx) => {
      if (!(await holdProvider(tx, provider.id))) throw unusable();
      const made = this.pending(call, { id, state, verifier, ...wanted });
      await insertConnection(tx, made);
      tx.changed('connection', id);
      tx.record(
        adminEntry(call.admin, call.origin, {
          action: 'connections.create',
          target: `connection:${id}`,
          occurredAt: made.createdAt.getTime(),
          detail: { provider: provider.id, ...(wanted.subject === undefined ? {} : { subject: wanted.subject }) },
        }),
      );
      return made;
    });
    const { settings } = readyProvider(provider);
    return { row, authorizeUrl: authorizeUrl(settings, { state, verifier, redirectUri: callbackUrl(this.urls) }) };
  }

  /** Throws `not_found`. */
  async get(zone: string, id: string): Promise<ConnectionEntity> {
    return this.database.readZone(zone, (tx) => getConnection(tx, id));
  }

  /** Revoked ones only when their status is asked for; one row more than the page when there are more. */
  list(
    zone: string,
    filter: ConnectionFilter,
    page: { readonly limit: number; readonly cursor?: string },
  ): Promise<ConnectionEntity[]> {
    return this.database.readZone(zone, (tx) => listConnections(tx, filter, { ...page, now: this.clock.now() }));
  }

  private async provider(zone: string, id: string): Promise<ProviderView> {
    const view = await this.catalogue.zone(zone);
    if (!view || zone.startsWith('_')) throw new AppError('not_found', 'There is no such zone.');
    if (view.status === 'archived') throw new AppError('conflict', 'The zone is archived and takes no changes.');
    const provider = view.provider(id);
    if (provider?.status !== 'active' || provider.kind !== 'oauth2_authorization_code') throw unusable();
    return provider;
  }

  private pending(
    call: ConnectionCall,
    made: { id: string; state: string; verifier: string; provider: string; subject?: string | undefined },
  ): ConnectionEntity {
    const now = this.clock.now();
    const at = new Date(now);
    return {
      zone: call.zone,
      id: made.id,
      provider: made.provider,
      subject: made.subject ?? null,
      status: 'pending',
      reason: null,
      scope: null,
      stateHash: stateHash(made.state),
      verifierSealed: this.sealed.sealVerifier(call.zone, made.id, made.verifier),
      pendingUntil: new Date(now + PENDING_MS),
      refreshSealed: null,
      refreshVersion: 0,
      createdAt: at,
      createdBy: call.admin.id,
      connectedAt: null,
      updatedAt: at,
      endedAt: null,
      toldAt: null,
      version: 1,
    };
  }
}

/** Where upstreams send account owners back to; what administrators register there as redirect URI. */
export function callbackUrl(urls: PublicUrls): string {
  return `${urls.base()}/oauth2/callback`;
}

function unusable(): AppError {
  const message = 'must be the id of an active provider of kind oauth2_authorization_code of this zone';
  return new AppError('invalid_request', 'The request is not valid.', { errors: [{ field: 'provider', message }] });
}
