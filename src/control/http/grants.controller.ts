import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import type { JsonObject } from '../../kernel/json.js';
import { AdminAccess, Idempotent, listAnswer, page, type ListAnswer } from '../../platform/http/index.js';
import type { AdminCall } from '../admin-changes.js';
import { grantBody } from '../domain/grant.js';
import { Grants } from '../grants.js';
import { created, tagged, timeOf } from './answers.js';
import { Call, Change, type ObjectChange } from './call.js';
import { CreateGrantDto, GrantQuery, PatchGrantDto } from './dto/grant.dto.js';

@Controller('v1/zones/:zone/grants')
export class GrantsController {
  constructor(private readonly grants: Grants) {}

  @Post()
  @AdminAccess('write')
  @Idempotent()
  async create(
    @Call() call: AdminCall,
    @Param('zone') zone: string,
    @Body() body: CreateGrantDto,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<JsonObject> {
    const { application, resource, scopes, label, expires_at } = body;
    const row = await this.grants.create(call, zone, {
      application,
      resource,
      scopes,
      label,
      expiresAt: timeOf(expires_at),
    });
    return created(reply, row, { at: `/v1/zones/${zone}/grants/${row.id}`, body: grantBody(row) });
  }

  @Get()
  @AdminAccess('read')
  async list(@Param('zone') zone: string, @Query() query: GrantQuery): Promise<ListAnswer<JsonObject>> {
    const slice = page({ ...query });
    return listAnswer(await this.grants.list(zone, slice, query), slice, (row) => row.id, grantBody);
  }

  @Get(':id')
  @AdminAccess('read')
  async get(
    @Param('zone') zone: string,
    @Param('id') id: string,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<JsonObject> {
    const row = await this.grants.get(zone, id);
    return tagged(reply, row, grantBody(row));
  }

  @Patch(':id')
  @AdminAccess('write')
  async patch(
    @Change() { call, zone, id, condition }: ObjectChange,
    @Body() { scopes, label, expires_at }: PatchGrantDto,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<JsonObject> {
    const row = await this.grants.patch(call, zone, id, {
      condition,
      patch: { scopes, label, expiresAt: timeOf(expires_at) },
    });
    return tagged(reply, row, grantBody(row));
  }

  @Delete(':id')
  @HttpCode(204)
  @AdminAccess('write')
  async archive(@Change() { call, zone, id, condition }: ObjectChange): Promise<void> {
    await this.grants.archive(call, zone, id, condition);
  }
}
