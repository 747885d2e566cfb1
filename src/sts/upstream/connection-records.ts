import { Inject, Injectable } from '@nestjs/common';
import { CLOCK, type Clock } from '../../kernel/clock.js';
import { AuditedChanges, type ChangeTx } from '../../audit/index.js';
import type { IssuedToken } from '../domain/upstream/token-answer.js';
import type { ConnectionEntity } from '../persistence/connection.entity.js';
import { lockConnected, lockConnection, updateConnection } from '../persistence/connection-rows.js';
import { forgetTokens, keepToken, type Lease, replaceToken, type TokenKey } from '../persistence/upstream-tokens.js';
import { SealedTokens } from './sealed-tokens.js';

/** What a renewed or first token is kept with. */
export interface KeptToken {
  readonly issued: IssuedToken;
  readonly lifeMs: number | undefined;
}

/** Every change of a connection's row that is nobody's administrative act: with its entry, and with the feed when its state changes. */
@Injectable()
export class ConnectionRecords {
  constructor(
    private readonly changes: AuditedChanges,
    private readonly sealed: SealedTokens,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /**
   * The account was connected. An earlier connection of the same subject ends with this; the upstream is not told of that one, because some
   * servers would end the new one with it. False when the connection was revoked meanwhile: then nothing is kept.
   */
  connect(zone: string, id: string, key: TokenKey, token: KeptToken): Promise<boolean> {
    return this.changes.run(zone, async (tx) => {
      const stale = await lockConnection(tx, id);
      if (!stale) return false;
      const rows = await lockConnected(tx, stale.provider, stale.subject);
      const row = rows.find((one) => one.id === id);
      if (row?.status !== 'pending') return false;
      for (const other of rows) if (other.id !== id && other.status !== 'pending') await this.replace(tx, other);
      const { issued, lifeMs } = token;
      const at = new Date(this.clock.now());
      await updateConnection(tx, id, {
        status: 'active',
        reason: null,
        scope: issued.scope ?? null,
        connectedAt: at,
        updatedAt: at,
        verifierSealed: null,
        pendingUntil: null,
        ...this.refreshOf(zone, row, issued),
        version: row.version + 1,
      });
      await replaceToken(
        tx,
        key,
        (generation) => this.sealed.sealAccess(zone, key, generation, issued.accessToken),
        lifeMs,
      );
      this.note(tx, row, 'connected');
      tx.changed('connection', id);
      return true;
    });
  }

  /** The token was renewed. False when the lease was lost or the connection is active no more: then nothing is kept. */
  refresh(zone: string, key: TokenKey, lease: Lease, token: KeptToken): Promise<boolean> {
    return this.changes.run(zone, async (tx) => {
      const row = await lockConnection(tx, key.connection ?? '');
      if (row?.status !== 'active') return false;
      const { issued, lifeMs } = token;
      const sealed = this.sealed.sealAccess(zone, key, lease.generation + 1, issued.accessToken);
      if (!(await keepToken(tx, key, lease, { sealed, lifeMs }))) return false;
      if (issued.refreshToken !== undefined)
        await updateConnection(tx, row.id, {
          ...this.refreshOf(zone, row, issued),
          updatedAt: new Date(this.clock.now()),
          version: row.version + 1,
        });
      this.note(tx, row, 'refreshed', { rotated: issued.refreshToken !== undefined });
      return true;
    });
  }

  /** The account is lost until its owner connects it again. Nothing of it is kept. */
  async break(zone: string, id: string, reason: string): Promise<void> {
    await this.changes.run(zone, async (tx) => {
      const row = await lockConnection(tx, id);
      if (row?.status !== 'active' && row?.status !== 'pending') return;
      const at = new Date(this.clock.now());
      await updateConnection(tx, id, {
        status: 'broken',
        reason,
        refreshSealed: null,
        verifierSealed: null,
        stateHash: null,
        pendingUntil: null,
        endedAt: at,
        updatedAt: at,
        toldAt: at,
        version: row.version + 1,
      });
      await forgetTokens(tx, id);
      this.note(tx, row, 'broken', { reason });
      tx.changed('connection', id);
    });
  }

  private async replace(tx: ChangeTx, row: ConnectionEntity): Promise<void> {
    const at = new Date(this.clock.now());
    await updateConnection(tx, row.id, {
      status: 'revoked',
      reason: 'replaced',
      refreshSealed: null,
      endedAt: at,
      updatedAt: at,
      toldAt: at,
      version: row.version + 1,
    });
    await forgetTokens(tx, row.id);
    this.note(tx, row, 'revoked', { reason: 'replaced' });
    tx.changed('connection', row.id);
  }

  private refreshOf(zone: string, row: ConnectionEntity, { refreshToken }: IssuedToken): Partial<ConnectionEntity> {
    if (refreshToken === undefined) return {};
    const refreshVersion = row.refreshVersion + 1;
    return { refreshVersion, refreshSealed: this.sealed.sealRefresh(zone, row.id, refreshVersion, refreshToken) };
  }

  private note(tx: ChangeTx, row: ConnectionEntity, news: string, detail: Record<string, string | boolean> = {}): void {
    tx.record({
      type: `connection.${news}`,
      occurredAt: this.clock.now(),
      actor: { kind: 'system', id: 'connections' },
      ...(row.subject === null ? {} : { subject: row.subject }),
      detail: { connection: row.id, provider: row.provider, ...detail },
    });
  }
}
