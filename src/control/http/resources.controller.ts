import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import type { JsonObject } from '../../kernel/json.js';
import { AdminAccess, Idempotent, listAnswer, page, type ListAnswer } from '../../platform/http/index.js';
import type { AdminCall } from '../admin-changes.js';
import { Resources } from '../resources.js';
import { created, tagged } from './answers.js';
import { Call, Change, type ObjectChange } from './call.js';
import { ListQuery } from './dto/list-query.dto.js';
import { CreateResourceDto, PatchResourceDto } from './dto/resource.dto.js';
import { newResource, resourceValues } from './resource-values.js';

@Controller('v1/zones/:zone/resources')
export class ResourcesController {
  constructor(private readonly resources: Resources) {}

  @Post()
  @AdminAccess('write')
  @Idempotent()
  async create(
    @Call() call: AdminCall,
    @Param('zone') zone: string,
    @Body() body: CreateResourceDto,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<JsonObject> {
    const row = await this.resources.create(call, zone, newResource(body));
    return created(reply, row, { at: `/v1/zones/${zone}/resources/${row.id}`, body: this.resources.body(row) });
  }

  @Get()
  @AdminAccess('read')
  async list(@Param('zone') zone: string, @Query() query: ListQuery): Promise<ListAnswer<JsonObject>> {
    const slice = page({ ...query });
    const rows = await this.resources.list(zone, slice, query.status);
    return listAnswer(
      rows,
      slice,
      (row) => row.id,
      (row) => this.resources.body(row),
    );
  }

  @Get(':id')
  @AdminAccess('read')
  async get(
    @Param('zone') zone: string,
    @Param('id') id: string,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<JsonObject> {
    const row = await this.resources.get(zone, id);
    return tagged(reply, row, this.resources.body(row));
  }

  @Patch(':id')
  @AdminAccess('write')
  async patch(
    @Change() { call, zone, id, condition }: ObjectChange,
    @Body() body: PatchResourceDto,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<JsonObject> {
    const row = await this.resources.patch(call, zone, id, { condition, patch: resourceValues(body) });
    return tagged(reply, row, this.resources.body(row));
  }

  @Delete(':id')
  @HttpCode(204)
  @AdminAccess('write')
  async archive(@Change() { call, zone, id, condition }: ObjectChange): Promise<void> {
    await this.resources.archive(call, zone, id, condition);
  }
}
