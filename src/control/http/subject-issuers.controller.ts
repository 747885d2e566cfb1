import { Body, Controller, Delete, Get, HttpCode, Param, Patch, Post, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import type { JsonObject } from '../../kernel/json.js';
import { AdminAccess, Idempotent, listAnswer, page, type ListAnswer } from '../../platform/http/index.js';
import type { AdminCall } from '../admin-changes.js';
import { subjectIssuerBody } from '../domain/subject-issuer.js';
import { SubjectIssuers } from '../subject-issuers.js';
import { created, tagged } from './answers.js';
import { Call, Change, type ObjectChange } from './call.js';
import { ListQuery } from './dto/list-query.dto.js';
import { CreateSubjectIssuerDto, PatchSubjectIssuerDto } from './dto/subject-issuer.dto.js';

/** OpenID providers whose users may be subjects in the zone. */
@Controller('v1/zones/:zone/subject-issuers')
export class SubjectIssuersController {
  constructor(private readonly issuers: SubjectIssuers) {}

  @Post()
  @AdminAccess('write')
  @Idempotent()
  async create(
    @Call() call: AdminCall,
    @Param('zone') zone: string,
    @Body() { issuer, audience, algorithms, subject_claim }: CreateSubjectIssuerDto,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<JsonObject> {
    const row = await this.issuers.create(call, zone, { issuer, audience, algorithms, subjectClaim: subject_claim });
    return created(reply, row, { at: `/v1/zones/${zone}/subject-issuers/${row.id}`, body: subjectIssuerBody(row) });
  }

  @Get()
  @AdminAccess('read')
  async list(@Param('zone') zone: string, @Query() query: ListQuery): Promise<ListAnswer<JsonObject>> {
    const slice = page({ ...query });
    return listAnswer(await this.issuers.list(zone, slice, query.status), slice, (row) => row.id, subjectIssuerBody);
  }

  @Get(':id')
  @AdminAccess('read')
  async get(
    @Param('zone') zone: string,
    @Param('id') id: string,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<JsonObject> {
    const row = await this.issuers.get(zone, id);
    return tagged(reply, row, subjectIssuerBody(row));
  }

  @Patch(':id')
  @AdminAccess('write')
  async patch(
    @Change() { call, zone, id, condition }: ObjectChange,
    @Body() { audience, algorithms }: PatchSubjectIssuerDto,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<JsonObject> {
    const row = await this.issuers.patch(call, zone, id, { condition, patch: { audience, algorithms } });
    return tagged(reply, row, subjectIssuerBody(row));
  }

  @Delete(':id')
  @HttpCode(204)
  @AdminAccess('write')
  async archive(@Change() { call, zone, id, condition }: ObjectChange): Promise<void> {
    await this.issuers.archive(call, zone, id, condition);
  }
}
