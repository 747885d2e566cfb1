import { Body, Controller, Get, HttpCode, Param, Post, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { approvalBody, holdBody } from '../../control/index.js';
import type { JsonObject } from '../../kernel/json.js';
import { RuntimeAccess } from '../../platform/http/index.js';
import { RuntimeApprovals, type SeenApproval } from '../approvals/runtime-approvals.js';
import type { RuntimeCall } from '../sessions/runtime-call.js';
import { ApprovalDecisionDto, WaitQuery } from './dto/approval.dto.js';
import { Caller } from './runtime-call.js';

/** Holds, for those who wait for them and for the people that the work is for. */
@Controller('z/:zone/approvals')
export class ApprovalsController {
  constructor(private readonly approvals: RuntimeApprovals) {}

  @Get(':id')
  @RuntimeAccess()
  async get(
    @Caller() call: RuntimeCall,
    @Param('id') id: string,
    @Query() { wait }: WaitQuery,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<JsonObject> {
    const gone = new AbortController();
    reply.raw.once('close', () => gone.abort());
    return bodyFor(await this.approvals.get(call, id, { ms: Number(wait ?? 0) * 1_000, gone: gone.signal }));
  }

  @Post(':id/decision')
  @HttpCode(200)
  @RuntimeAccess()
  async decide(
    @Caller() call: RuntimeCall,
    @Param('id') id: string,
    @Body() { decision, binding, reason }: ApprovalDecisionDto,
  ): Promise<JsonObject> {
    return bodyFor(await this.approvals.decide(call, id, { decision, binding, reason }));
  }
}

/** Whoever waits learns how it stands; whoever decides sees what about. */
function bodyFor({ approval, role, now }: SeenApproval): JsonObject {
  return role === 'requester' ? holdBody(approval, now) : approvalBody(approval, now, 'subject');
}
