import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import type { JsonObject } from '../../kernel/json.js';
import { AdminAccess, Idempotent, listAnswer, page, type ListAnswer } from '../../platform/http/index.js';
import type { AdminCall } from '../admin-changes.js';
import { providerBody } from '../domain/providers/provider.js';
import { Providers } from '../providers.js';
import { created, plain, tagged } from './answers.js';
import { Call, Change, type ObjectChange } from './call.js';
import { ListQuery } from './dto/list-query.dto.js';
import { CreateProviderDto, PatchProviderDto } from './dto/provider.dto.js';

@Controller('v1/zones/:zone/providers')
export class ProvidersController {
  constructor(private readonly providers: Providers) {}

  @Post()
  @AdminAccess('write')
  @Idempotent()
  async create(
    @Call() call: AdminCall,
    @Param('zone') zone: string,
    @Body() body: CreateProviderDto,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<JsonObject> {
    const row = await this.providers.create(call, zone, plain({ ...body }));
    return created(reply, row, { at: `/v1/zones/${zone}/providers/${row.id}`, body: providerBody(row) });
  }

  @Get()
  @AdminAccess('read')
  async list(@Param('zone') zone: string, @Query() query: ListQuery): Promise<ListAnswer<JsonObject>> {
    const slice = page({ ...query });
    return listAnswer(await this.providers.list(zone, slice, query.status), slice, (row) => row.id, providerBody);
  }

  @Get(':id')
  @AdminAccess('read')
  async get(
    @Param('zone') zone: string,
    @Param('id') id: string,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<JsonObject> {
    const row = await this.providers.get(zone, id);
    return tagged(reply, row, providerBody(row));
  }

  @Patch(':id')
  @AdminAccess('write')
  async patch(
    @Change() { call, zone, id, condition }: ObjectChange,
    @Body() body: PatchProviderDto,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<JsonObject> {
    const row = await this.providers.patch(call, zone, id, { condition, patch: plain({ ...body }) });
    return tagged(reply, row, providerBody(row));
  }

  @Delete(':id')
  @HttpCode(204)
  @AdminAccess('write')
  async archive(@Change() { call, zone, id, condition }: ObjectChange): Promise<void> {
    await this.providers.archive(call, zone, id, condition);
  }
}
