import { Controller, Get, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { Registry } from 'prom-client';
import { AdminAccess } from '../http/index.js';

/** Prometheus text. */
@Controller('metrics')
export class MetricsController {
  constructor(private readonly registry: Registry) {}

  @Get()
  @AdminAccess('read', { scrape: true })
  async read(@Res({ passthrough: true }) reply: FastifyReply): Promise<string> {
    const text = await this.registry.metrics();
    void reply.header('content-type', this.registry.contentType);
    return text;
  }
}
