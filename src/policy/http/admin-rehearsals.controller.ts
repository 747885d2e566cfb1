import { Body, Controller, Get, HttpCode, Param, Post, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { Admin, type AdminPrincipal } from '../../auth/index.js';
import type { JsonObject } from '../../kernel/json.js';
import { AdminAccess, AlsoAnswers, Facts, type RequestFacts } from '../../platform/http/index.js';
import { Rehearsals } from '../rehearsals.js';
import { rehearsalView } from './policy-views.js';
import { RehearseDto } from './question.dto.js';

/** Policies against the ledger: which decisions would have been others. */
@Controller('v1/zones/:z/policy/rehearse')
export class AdminRehearsalsController {
  constructor(private readonly rehearsals: Rehearsals) {}

  /** The report; 202 with a job when more than 10 000 entries are to be examined. */
  @Post()
  @HttpCode(200)
  @AlsoAnswers(202)
  @AdminAccess('audit', { also: 'read' })
  // eslint-disable-next-line caracal/max-params -- one decorated parameter per part of the request
  async rehearse(
    @Param('z') zone: string,
    @Body() { cedar, version, from, to }: RehearseDto,
    @Admin() actor: AdminPrincipal,
    @Facts() origin: RequestFacts,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<JsonObject> {
    const answer = await this.rehearsals.rehearse({ actor, origin }, zone, { cedar, version, from, to });
    if (!('status' in answer)) return { ...answer } as unknown as JsonObject;
    void reply.status(202).header('location', `/v1/zones/${zone}/policy/rehearse/${answer.id}`);
    return rehearsalView(answer);
  }

  /** How far the job is, and with its end the report. */
  @Get(':id')
  @AdminAccess('audit', { also: 'read' })
  async get(@Param('z') zone: string, @Param('id') id: string): Promise<JsonObject> {
    return rehearsalView(await this.rehearsals.find(zone, id));
  }
}
