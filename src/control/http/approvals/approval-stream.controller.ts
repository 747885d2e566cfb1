import { Controller, Get, Param, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { AdminAccess } from '../../../platform/http/index.js';
import { ApprovalStream } from '../../approvals/approval-stream.js';

/** News of holds as they come and go, for those who decide them. */
@Controller('v1/zones/:zone/approvals')
export class ApprovalStreamController {
  constructor(private readonly stream: ApprovalStream) {}

  @Get('stream')
  @AdminAccess('read')
  open(@Param('zone') zone: string, @Res() reply: FastifyReply): void {
    this.stream.requireRoom();
    const { raw } = reply;
    reply.hijack();
    raw.writeHead(200, { ...reply.getHeaders(), 'content-type': 'text/event-stream; charset=utf-8' } as Record<
      string,
      string
    >);
    this.stream.start(zone, {
      get writableLength() {
        return raw.writableLength;
      },
      write: (text) => void raw.write(text),
      end: () => void raw.end(),
      onClosed: (listener) => void raw.once('close', listener),
    });
  }
}
