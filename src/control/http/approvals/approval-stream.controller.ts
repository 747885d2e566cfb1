import { Controller, Get, Param, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { AdminAccess, openEventStream, requireEventStream } from '../../../platform/http/index.js';
import { lastEventId } from '../audit/last-event-id.js';
import { ApprovalStream } from '../../approvals/approval-stream.js';

/** News of holds as they come and go, for those who decide them; `Last-Event-ID` goes on where an earlier stream stopped. */
@Controller('v1/zones/:zone/approvals')
export class ApprovalStreamController {
  constructor(private readonly stream: ApprovalStream) {}

  @Get('stream')
  @AdminAccess('read')
  open(@Param('zone') zone: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply): void {
    requireEventStream(request);
    this.stream.requireRoom();
    const after = lastEventId(request);
    this.stream.start(zone, openEventStream(reply), after);
  }
}
