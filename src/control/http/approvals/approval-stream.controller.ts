import { Controller, Get, Headers, Param, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { AppError } from '../../../kernel/app-error.js';
import { AdminAccess } from '../../../platform/http/index.js';
import { ApprovalStream } from '../../approvals/approval-stream.js';

const EVENT_STREAM = 'text/event-stream';

/** News of holds as they come and go, for those who decide them. */
@Controller('v1/zones/:zone/approvals')
export class ApprovalStreamController {
  constructor(private readonly stream: ApprovalStream) {}

  @Get('stream')
  @AdminAccess('read')
  open(@Param('zone') zone: string, @Headers('accept') accept: string | undefined, @Res() reply: FastifyReply): void {
    // Whoever does not know what this is would wait for its end.
    if (accept?.includes(EVENT_STREAM) !== true)
      throw new AppError('invalid_request', `Ask for the stream with Accept: ${EVENT_STREAM}.`);
    this.stream.requireRoom();
    const { raw } = reply;
    reply.hijack();
    raw.writeHead(200, { ...reply.getHeaders(), 'content-type': EVENT_STREAM } as Record<string, string>);
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
