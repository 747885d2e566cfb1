import { randomBytes } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { AppError } from '../kernel/app-error.js';
import { formatSecret, SECRET_PREFIXES } from '../kernel/client-secret.js';
import { CLOCK, type Clock } from '../kernel/clock.js';
import { ID_PREFIXES, isId } from '../kernel/ids.js';
import { adminEntry, AuditedChanges, type ChangeTx } from '../audit/index.js';
import { Database } from '../platform/database/index.js';
import type { Page } from '../platform/http/index.js';
import { newId } from '../platform/ids/index.js';
import { adminTokenAnswer, DEFAULT_TTL_SECONDS, type CreateAdminTokenDto } from './http/admin-token.dto.js';
import { AdminTokenEntity } from './persistence/admin-token.entity.js';
import { AdminTokenUse } from './persistence/admin-token-use.js';
import { findToken, insertToken, listTokens, revokeToken, shortenToken } from './persistence/admin-token-rows.js';
import { ADMIN_TOKEN_MAC, SYSTEM_ZONE, ZONE_DIRECTORY, type ZoneDirectory } from './ports.js';
import type { AdminPrincipal, AdminRequest } from './principals.js';

/** Making, showing and revoking admin tokens. A token's secret leaves once, when it is made, and is kept as a MAC. */
@Injectable()
export class AdminTokens {
  constructor(
    private readonly database: Database,
    private readonly changes: AuditedChanges,
    @Inject(ZONE_DIRECTORY) private readonly zones: ZoneDirectory,
    @Inject(ADMIN_TOKEN_MAC) private readonly mac: (secret: string) => Buffer,
    private readonly use: AdminTokenUse,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  async create(request: AdminRequest, asked: CreateAdminTokenDto): Promise<{ row: AdminTokenEntity; token: string }> {
    await this.requireZones(asked.zones ?? []);
    const token = freshToken();
    const row = this.newRow(request.admin, asked, this.mac(token));
    await this.changes.run(SYSTEM_ZONE, async (tx) => {
      await insertToken(tx, row);
      this.record(tx, request, { action: 'admin_token.create', row });
    });
    return { row, token };
  }

  /** A new token for the same; the old one ends with the overlap. Throws `conflict` when the old one has ended already. */
  async rotate(
    request: AdminRequest,
    id: string,
    asked: { readonly ttlSeconds?: number | undefined; readonly overlapSeconds?: number | undefined },
  ): Promise<{ row: AdminTokenEntity; token: string }> {
    const old = await this.read(id);
    const token = freshToken();
    const row = await this.changes.run(SYSTEM_ZONE, async (tx) => {
      const now = this.clock.now();
      const ends = now + (asked.overlapSeconds ?? 0) * 1_000;
      if (!(await shortenToken(tx, id, { now, ends })))
        throw new AppError('conflict', 'The token has expired or was revoked.');
      const life = Math.round((old.expiresAt.getTime() - old.createdAt.getTime()) / 1_000);
      const made = this.newRow(
        request.admin,
        { ...named(old), ttl_seconds: asked.ttlSeconds ?? life },
        this.mac(token),
      );
      made.line = old.line ?? old.id;
      await insertToken(tx, made);
      this.record(tx, request, { action: 'admin_token.rotate', row: old });
      this.record(tx, request, { action: 'admin_token.create', row: made });
      return made;
    });
    return { row, token };
  }

  async list(page: Page): Promise<AdminTokenEntity[]> {
    const rows = await this.database.readZone(SYSTEM_ZONE, (tx) => listTokens(tx, page));
    return rows.map((row) => this.withUse(row));
  }

  async read(id: string): Promise<AdminTokenEntity> {
    const row = isId(ID_PREFIXES.adminToken, id)
      ? await this.database.readZone(SYSTEM_ZONE, (tx) => findToken(tx, id))
      : null;
    if (!row) throw new AppError('not_found', 'There is no such admin token.');
    return this.withUse(row);
  }

  /** The token is refused from the commit on. A repeat changes nothing. */
  async revoke(request: AdminRequest, id: string): Promise<void> {
    const row = await this.read(id);
    await this.changes.run(SYSTEM_ZONE, async (tx) => {
      if (await revokeToken(tx, id, this.clock.now())) this.record(tx, request, { action: 'admin_token.revoke', row });
    });
  }

  private withUse(row: AdminTokenEntity): AdminTokenEntity {
    const at = this.use.lastUsed(row.id, row.lastUsedAt);
    return Object.assign(row, { lastUsedAt: at === undefined ? null : new Date(at) });
  }

  private async requireZones(slugs: readonly string[]): Promise<void> {
    const statuses = await Promise.all(slugs.map((slug) => this.zones.status(slug)));
    const errors = statuses.flatMap((status, index) =>
      status ? [] : [{ field: `zones.${index}`, message: 'there is no such zone' }],
    );
    if (errors.length > 0) throw new AppError('invalid_request', 'The request is not valid.', { errors });
  }

  private newRow(admin: AdminPrincipal, asked: CreateAdminTokenDto, secretMac: Buffer): AdminTokenEntity {
    const now = this.clock.now();
    return Object.assign(new AdminTokenEntity(), {
      id: newId(ID_PREFIXES.adminToken),
      name: asked.name,
      secretMac,
      capabilities: asked.capabilities,
      zones: asked.zones ?? null,
      person: asked.person ?? null,
      line: null,
      createdAt: new Date(now),
      createdBy: admin.id,
      expiresAt: new Date(now + (asked.ttl_seconds ?? DEFAULT_TTL_SECONDS) * 1000),
      revokedAt: null,
      lastUsedAt: null,
    });
  }

  private record(tx: ChangeTx, { admin, facts }: AdminRequest, act: { action: string; row: AdminTokenEntity }): void {
    const shown = { ...adminTokenAnswer(act.row) };
    const target = `admin_token:${act.row.id}`;
    const created = act.action === 'admin_token.create';
    tx.changed('admin_token', act.row.id);
    tx.record(
      adminEntry(admin, facts, {
        action: act.action,
        target,
        occurredAt: this.clock.now(),
        ...(created ? { after: shown } : { before: shown }),
      }),
    );
  }
}

function freshToken(): string {
  return formatSecret(SECRET_PREFIXES.adminToken, randomBytes(32));
}

function named({ name, capabilities, zones, person }: AdminTokenEntity): CreateAdminTokenDto {
  return { name, capabilities, ...(zones ? { zones } : {}), ...(person === null ? {} : { person }) };
}
