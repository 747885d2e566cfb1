import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import type { JsonObject } from '../../../kernel/json.js';
import { AdminAccess, Idempotent, listAnswer, page, type ListAnswer } from '../../../platform/http/index.js';
import type { AdminCall } from '../../admin-changes.js';
import { created, tagged } from '../../http/answers.js';
import { Call, Change, type ObjectChange } from '../../http/call.js';
import { ListQuery } from '../../http/dto/list-query.dto.js';
import { webhookBody } from '../domain/webhook.js';
import { Webhooks } from '../webhooks.js';
import { CreateWebhookDto, PatchWebhookDto } from './webhook.dto.js';

/** Places outside that are told of ledger entries, signed (Standard Webhooks). */
@Controller('v1/webhooks')
export class WebhooksController {
  constructor(private readonly webhooks: Webhooks) {}

  @Post()
  @AdminAccess('write')
  @Idempotent({ secretMembers: ['secret'] })
  async create(
    @Call() call: AdminCall,
    @Body() { url, events, zone }: CreateWebhookDto,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<JsonObject> {
    const { row, secret } = await this.webhooks.create(call, { url, events, zone });
    return created(reply, row, { at: `/v1/webhooks/${row.id}`, body: { ...webhookBody(row), secret } });
  }

  @Get()
  @AdminAccess('read')
  async list(@Query() query: ListQuery): Promise<ListAnswer<JsonObject>> {
    const slice = page({ ...query });
    return listAnswer(await this.webhooks.list(slice, query.status), slice, (row) => row.id, webhookBody);
  }

  @Get(':id')
  @AdminAccess('read')
  async get(@Param('id') id: string, @Res({ passthrough: true }) reply: FastifyReply): Promise<JsonObject> {
    const row = await this.webhooks.get(id);
    return tagged(reply, row, webhookBody(row));
  }

  @Patch(':id')
  @AdminAccess('write')
  async patch(
    @Change() { call, id, condition }: ObjectChange,
    @Body() { url, events }: PatchWebhookDto,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<JsonObject> {
    const patch = { ...(url === undefined ? {} : { url }), ...(events === undefined ? {} : { events }) };
    const row = await this.webhooks.patch(call, id, { condition, patch });
    return tagged(reply, row, webhookBody(row));
  }

  @Delete(':id')
  @HttpCode(204)
  @AdminAccess('write')
  async archive(@Change() { call, id, condition }: ObjectChange): Promise<void> {
    await this.webhooks.archive(call, id, condition);
  }
}
