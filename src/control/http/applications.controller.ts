import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import type { JsonObject } from '../../kernel/json.js';
import { AdminAccess, Idempotent, listAnswer, page, type ListAnswer } from '../../platform/http/index.js';
import type { AdminCall } from '../admin-changes.js';
import { Applications, type ApplicationPatch } from '../applications.js';
import { applicationBody } from '../domain/application.js';
import { created, plain, tagged, timeOf } from './answers.js';
import { Call, Change, type ObjectChange } from './call.js';
import { CreateApplicationDto, PatchApplicationDto } from './dto/application.dto.js';
import { ListQuery } from './dto/list-query.dto.js';

@Controller('v1/zones/:zone/applications')
export class ApplicationsController {
  constructor(private readonly applications: Applications) {}

  @Post()
  @AdminAccess('write')
  @Idempotent()
  async create(
    @Call() call: AdminCall,
    @Param('zone') zone: string,
    @Body() body: CreateApplicationDto,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<JsonObject> {
    const row = await this.applications.create(call, zone, {
      name: body.name,
      slug: body.slug,
      allowedLabels: body.allowed_labels,
      limits: body.limits && plain(body.limits),
      blueprint: body.blueprint && plain(body.blueprint),
      expiresAt: timeOf(body.expires_at),
    });
    return created(reply, row, { at: `/v1/zones/${zone}/applications/${row.id}`, body: applicationBody(row) });
  }

  @Get()
  @AdminAccess('read')
  async list(@Param('zone') zone: string, @Query() query: ListQuery): Promise<ListAnswer<JsonObject>> {
    const slice = page({ ...query });
    return listAnswer(await this.applications.list(zone, slice, query.status), slice, (row) => row.id, applicationBody);
  }

  @Get(':id')
  @AdminAccess('read')
  async get(
    @Param('zone') zone: string,
    @Param('id') id: string,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<JsonObject> {
    const row = await this.applications.get(zone, id);
    return tagged(reply, row, applicationBody(row));
  }

  @Patch(':id')
  @AdminAccess('write')
  async patch(
    @Change() { call, zone, id, condition }: ObjectChange,
    @Body() body: PatchApplicationDto,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<JsonObject> {
    const patch: ApplicationPatch = {
      name: body.name,
      allowedLabels: body.allowed_labels,
      limits: body.limits && plain(body.limits),
      blueprint: body.blueprint && plain(body.blueprint),
      expiresAt: timeOf(body.expires_at),
    };
    const row = await this.applications.patch(call, zone, id, { condition, patch });
    return tagged(reply, row, applicationBody(row));
  }

  @Delete(':id')
  @HttpCode(204)
  @AdminAccess('write')
  async archive(@Change() { call, zone, id, condition }: ObjectChange): Promise<void> {
    await this.applications.archive(call, zone, id, condition);
  }
}
