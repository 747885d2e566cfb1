import { Controller, Get, Param, Query } from '@nestjs/common';
import type { JsonObject } from '../../kernel/json.js';
import { AdminAccess, listAnswer, page, type ListAnswer } from '../../platform/http/index.js';
import { InvocationReader } from '../invocations/invocation-reader.js';
import { AdminInvocationsQuery } from './dto/invocation.dto.js';
import { invocationSummary } from './invocation-bodies.js';

/** Invocations of a zone, for administrators: who does what for whom, without what is handed over. */
@Controller('v1/zones/:zone/invocations')
export class AdminInvocationsController {
  constructor(private readonly reader: InvocationReader) {}

  @Get()
  @AdminAccess('read')
  async list(@Param('zone') zone: string, @Query() query: AdminInvocationsQuery): Promise<ListAnswer<JsonObject>> {
    const slice = page({ ...query });
    const { status, source, target, application } = query;
    const party = application === undefined ? undefined : { application };
    const rows = await this.reader.list(zone, { party, status, source, target }, slice);
    return listAnswer(rows, slice, (row) => row.id, invocationSummary);
  }

  @Get(':id')
  @AdminAccess('read')
  async get(@Param('zone') zone: string, @Param('id') id: string): Promise<JsonObject> {
    return invocationSummary(await this.reader.find(zone, id));
  }
}
