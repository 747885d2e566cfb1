import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { AppError } from '../../kernel/app-error.js';
import { CLOCK, type Clock } from '../../kernel/clock.js';
import { AuditedChanges } from '../../audit/index.js';
import { Catalogue, KillSwitch, ProviderSecrets } from '../../control/index.js';
import { Database } from '../../platform/database/index.js';
import { type Message, Queues, RefusedMessageError } from '../../platform/queue/index.js';
import type { TokenFault } from '../domain/upstream/token-answer.js';
import type { ConnectionEntity } from '../persistence/connection.entity.js';
import { lockConnection, updateConnection } from '../persistence/connection-rows.js';
import { connectionToken, forgetTokens } from '../persistence/upstream-tokens.js';
import { SealedTokens } from '../upstream/sealed-tokens.js';
import { TokenEndpointClient } from '../upstream/token-endpoint-client.js';
import { readyProvider } from '../upstream/token-place.js';

/** An upstream that cannot be told for this long is told no more; its tokens are forgotten all the same. */
const PATIENCE_MS = 86_400_000;

interface Held {
  readonly value: string;
  readonly hint: 'refresh_token' | 'access_token';
}

/** What telling an upstream takes. */
@Injectable()
export class UpstreamParts {
  constructor(
    readonly catalogue: Catalogue,
    readonly secrets: ProviderSecrets,
    readonly endpoint: TokenEndpointClient,
    readonly sealed: SealedTokens,
    readonly killSwitch: KillSwitch,
  ) {}
}

/** Tells upstreams of connections that were revoked (RFC 7009), then forgets what was kept of them. Safe to repeat. */
@Injectable()
export class ConnectionRevocation implements OnModuleInit {
  constructor(
    private readonly queues: Queues,
    private readonly database: Database,
    private readonly changes: AuditedChanges,
    private readonly upstream: UpstreamParts,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  onModuleInit(): void {
    this.queues.consume('revocation', { connection: (message) => this.tell(message) });
  }

  async tell({ zone, body }: Message): Promise<void> {
    const { connection } = body;
    if (typeof connection !== 'string') throw new RefusedMessageError('connection_shape');
    const row = await this.database.withZone(zone, (tx) => lockConnection(tx, connection));
    if (row?.status !== 'revoked' || row.toldAt !== null) return;
    const fault = await this.revoke(row);
    const isLate = this.clock.now() - (row.endedAt?.getTime() ?? 0) > PATIENCE_MS;
    if (fault?.fault === 'transient' && !isLate)
      throw new AppError('temporarily_unavailable', 'The upstream could not be told.', {
        detail: 'upstream_revocation',
      });
    await this.forget(row, fault);
  }

  /** Undefined when the upstream knows, or when there is nothing it could be told. */
  private async revoke(row: ConnectionEntity): Promise<TokenFault | undefined> {
    const { catalogue, secrets, endpoint } = this.upstream;
    const provider = (await catalogue.zone(row.zone))?.provider(row.provider);
    const token = provider && (await this.token(row));
    if (!provider || !token) return undefined;
    const { settings } = readyProvider(provider);
    return endpoint.revoke({ settings, secret: secrets.open(row.zone, provider) }, token);
  }

  private async token(row: ConnectionEntity): Promise<Held | undefined> {
    const { sealed } = this.upstream;
    const { zone, id, refreshSealed, refreshVersion } = row;
    if (refreshSealed !== null)
      return { value: sealed.openRefresh(zone, id, refreshVersion, refreshSealed), hint: 'refresh_token' };
    const held = await this.database.readZone(zone, (tx) => connectionToken(tx, id));
    return held && { value: sealed.openAccess(zone, held.key, held.generation, held.sealed), hint: 'access_token' };
  }

  private async forget(row: ConnectionEntity, fault: TokenFault | undefined): Promise<void> {
    await this.changes.run(row.zone, async (tx) => {
      const at = new Date(this.clock.now());
      await updateConnection(tx, row.id, { refreshSealed: null, toldAt: at, updatedAt: at });
      await forgetTokens(tx, row.id);
      await this.upstream.killSwitch.forgetSecret(tx, row.provider);
      tx.record({
        type: 'connection.forgotten',
        occurredAt: at.getTime(),
        actor: { kind: 'system', id: 'connections' },
        detail: { connection: row.id, provider: row.provider, ...(fault ? { upstream: fault.code } : {}) },
      });
    });
  }
}
