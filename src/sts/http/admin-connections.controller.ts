import { Body, Controller, Delete, Get, Header, HttpCode, Inject, Param, Post, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { CLOCK, type Clock } from '../../kernel/clock.js';
import type { JsonObject } from '../../kernel/json.js';
import { AdminAccess, Idempotent, listAnswer, page, type ListAnswer } from '../../platform/http/index.js';
import { type AdminRuntimeCall, RevocationAdministration } from '../../coordinator/index.js';
import { Connections } from '../upstream/connections.js';
import { Administrator } from './admin-call.js';
import { connectionBody } from './connection-body.js';
import { ConnectionsQuery, CreateConnectionDto, RevokeConnectionDto } from './connection.dto.js';

/** Connected upstream accounts of a zone. */
@Controller('v1/zones/:zone/connections')
export class AdminConnectionsController {
  constructor(
    private readonly connections: Connections,
    private readonly administration: RevocationAdministration,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** `authorize_url` is where the account's owner has to go; it is shown once. */
  @Post()
  @AdminAccess('write')
  @Header('Cache-Control', 'no-store')
  @Idempotent({ secretMembers: ['authorize_url'] })
  async create(
    @Administrator() call: AdminRuntimeCall,
    @Body() { provider, subject }: CreateConnectionDto,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<JsonObject> {
    const { row, authorizeUrl } = await this.connections.create(call, { provider, subject });
    void reply.header('location', `/v1/zones/${call.zone}/connections/${row.id}`);
    return { ...connectionBody(row, this.clock.now()), authorize_url: authorizeUrl };
  }

  @Get()
  @AdminAccess('read')
  async list(@Param('zone') zone: string, @Query() query: ConnectionsQuery): Promise<ListAnswer<JsonObject>> {
    const slice = page({ ...query });
    const { provider, subject, status } = query;
    const rows = await this.connections.list(zone, { provider, subject, status }, slice);
    const now = this.clock.now();
    return listAnswer(
      rows,
      slice,
      (row) => row.id,
      (row) => connectionBody(row, now),
    );
  }

  @Get(':id')
  @AdminAccess('read')
  async get(@Param('zone') zone: string, @Param('id') id: string): Promise<JsonObject> {
    return connectionBody(await this.connections.get(zone, id), this.clock.now());
  }

  /** Idempotent: 200 with the same object when it had ended before. */
  @Post(':id/revoke')
  @HttpCode(200)
  @AdminAccess('write')
  async revoke(
    @Administrator() call: AdminRuntimeCall,
    @Param('id') id: string,
    @Body() { reason }: RevokeConnectionDto,
  ): Promise<JsonObject> {
    await this.end(call, id, reason);
    return connectionBody(await this.connections.get(call.zone, id), this.clock.now());
  }

  @Delete(':id')
  @HttpCode(204)
  @AdminAccess('write')
  async remove(@Administrator() call: AdminRuntimeCall, @Param('id') id: string): Promise<void> {
    await this.end(call, id, undefined);
  }

  private async end(call: AdminRuntimeCall, id: string, reason: string | undefined): Promise<void> {
    await this.administration.revoke(call, {
      kind: 'connection',
      id,
      reason: reason ?? 'revoked by an administrator',
      action: 'connections.revoke',
    });
  }
}
