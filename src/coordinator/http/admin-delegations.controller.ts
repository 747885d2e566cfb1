import { Body, Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import type { JsonObject } from '../../kernel/json.js';
import { AdminAccess, listAnswer, page, type ListAnswer } from '../../platform/http/index.js';
import { DelegationReader } from '../delegations/delegation-reader.js';
import { type AdminRuntimeCall, RevocationAdministration } from '../revocations/administration.js';
import { delegationBody } from './bodies.js';
import { Administrator } from './admin-call.js';
import { DelegationsQuery } from './dto/delegation.dto.js';
import { ReasonDto } from './dto/session.dto.js';

/** Delegations of a zone, for administrators. */
@Controller('v1/zones/:zone/delegations')
export class AdminDelegationsController {
  constructor(
    private readonly reader: DelegationReader,
    private readonly administration: RevocationAdministration,
  ) {}

  @Get()
  @AdminAccess('read')
  async list(@Param('zone') zone: string, @Query() query: DelegationsQuery): Promise<ListAnswer<JsonObject>> {
    const slice = page({ ...query });
    const { session, application } = query;
    const rows = await this.reader.list(zone, { session, application }, slice);
    return listAnswer(rows, slice, (edge) => edge.id, delegationBody);
  }

  @Get(':id')
  @AdminAccess('read')
  async get(@Param('zone') zone: string, @Param('id') id: string): Promise<JsonObject> {
    return delegationBody(await this.reader.get(zone, id));
  }

  @Post(':id/revoke')
  @HttpCode(200)
  @AdminAccess('write')
  async revoke(
    @Administrator() call: AdminRuntimeCall,
    @Param('id') id: string,
    @Body() { reason }: ReasonDto,
  ): Promise<JsonObject> {
    const order = {
      kind: 'delegation',
      id,
      reason: reason ?? 'revoked by an administrator',
      action: 'delegations.revoke',
    } as const;
    await this.administration.revoke(call, order);
    return delegationBody(await this.reader.get(call.zone, id));
  }
}
