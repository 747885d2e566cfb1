import { Body, Controller, Get, HttpCode, Param, Post, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import type { JsonObject } from '../../kernel/json.js';
import { Idempotent, RuntimeAccess } from '../../platform/http/index.js';
import { DelegationGraph } from '../delegations/delegation-graph.js';
import { Delegations } from '../delegations/delegations.js';
import type { RuntimeCall } from '../sessions/runtime-call.js';
import { delegationBody, graphBody } from './bodies.js';
import { CreateDelegationDto, RevokeDelegationDto } from './dto/delegation.dto.js';
import { Caller } from './runtime-call.js';

/** Delegations, for the sessions that pass authority on and those that receive it. */
@Controller('z/:zone/delegations')
export class DelegationsController {
  constructor(
    private readonly delegations: Delegations,
    private readonly graphs: DelegationGraph,
  ) {}

  @Post()
  @RuntimeAccess()
  @Idempotent()
  async create(
    @Caller() call: RuntimeCall,
    @Body() body: CreateDelegationDto,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<JsonObject> {
    const { target, resources, ttl_seconds: ttlSeconds, hops, parent } = body;
    const constraints = body.constraints === undefined ? {} : structuredClone(body.constraints);
    const edge = await this.delegations.create(call, { target, resources, ttlSeconds, hops, parent, constraints });
    void reply.header('location', `/z/${call.zone}/delegations/${edge.id}`);
    return delegationBody(edge);
  }

  @Get(':id')
  @RuntimeAccess()
  async get(@Caller() call: RuntimeCall, @Param('id') id: string): Promise<JsonObject> {
    return delegationBody(await this.delegations.get(call, id));
  }

  @Get(':id/graph')
  @RuntimeAccess()
  async graph(@Caller() call: RuntimeCall, @Param('id') id: string): Promise<JsonObject> {
    return graphBody(await this.graphs.of(call.zone, await this.delegations.get(call, id)));
  }

  @Post(':id/revoke')
  @HttpCode(200)
  @RuntimeAccess()
  async revoke(
    @Caller() call: RuntimeCall,
    @Param('id') id: string,
    @Body() body: RevokeDelegationDto,
  ): Promise<JsonObject> {
    return delegationBody(await this.delegations.revoke(call, id, body.terminate_targets ?? false));
  }
}
