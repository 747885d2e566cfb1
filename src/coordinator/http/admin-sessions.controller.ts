import { Body, Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import type { JsonObject } from '../../kernel/json.js';
import { AdminAccess, listAnswer, page, type ListAnswer } from '../../platform/http/index.js';
import { type AdminRuntimeCall, RevocationAdministration } from '../revocations/administration.js';
import { SessionAdministration } from '../sessions/session-administration.js';
import { SessionReader } from '../sessions/session-reader.js';
import { sessionBody, treeBody } from './bodies.js';
import { Administrator } from './admin-call.js';
import { AdminSessionsQuery, ReasonDto } from './dto/session.dto.js';

/** Sessions of a zone, for administrators. */
@Controller('v1/zones/:zone/sessions')
export class AdminSessionsController {
  constructor(
    private readonly reader: SessionReader,
    private readonly administration: RevocationAdministration,
    private readonly sessions: SessionAdministration,
  ) {}

  @Get()
  @AdminAccess('read')
  async list(@Param('zone') zone: string, @Query() query: AdminSessionsQuery): Promise<ListAnswer<JsonObject>> {
    const slice = page({ ...query });
    const { application, parent, label, subject, status } = query;
    const rows = await this.reader.list(zone, { application, parent, label, subject, status }, slice);
    return listAnswer(rows, slice, (row) => row.session.id, sessionBody);
  }

  @Get(':id')
  @AdminAccess('read')
  async get(@Param('zone') zone: string, @Param('id') id: string): Promise<JsonObject> {
    return sessionBody(await this.reader.get(zone, id));
  }

  @Get(':id/tree')
  @AdminAccess('read')
  async tree(@Param('zone') zone: string, @Param('id') id: string): Promise<JsonObject> {
    return treeBody(await this.reader.tree(zone, id));
  }

  @Post(':id/suspend')
  @HttpCode(200)
  @AdminAccess('write')
  async suspend(
    @Administrator() call: AdminRuntimeCall,
    @Param('id') id: string,
    @Body() { reason }: ReasonDto,
  ): Promise<JsonObject> {
    await this.sessions.suspend(call, id, reason);
    return sessionBody(await this.reader.get(call.zone, id));
  }

  /** Also what the breaker has suspended. */
  @Post(':id/resume')
  @HttpCode(200)
  @AdminAccess('write')
  async resume(
    @Administrator() call: AdminRuntimeCall,
    @Param('id') id: string,
    @Body() { reason }: ReasonDto,
  ): Promise<JsonObject> {
    await this.sessions.resume(call, id, reason);
    return sessionBody(await this.reader.get(call.zone, id));
  }

  @Post(':id/terminate')
  @HttpCode(200)
  @AdminAccess('write')
  async terminate(
    @Administrator() call: AdminRuntimeCall,
    @Param('id') id: string,
    @Body() { reason }: ReasonDto,
  ): Promise<JsonObject> {
    const order = {
      kind: 'session',
      id,
      reason: reason ?? 'terminated by an administrator',
      action: 'sessions.terminate',
    } as const;
    await this.administration.revoke(call, order);
    return sessionBody(await this.reader.get(call.zone, id));
  }
}
