import { Controller, Get, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { Public } from '../http/index.js';
import { Readiness, type ReadinessReason } from './readiness.js';

/** For orchestrators and load balancers. */
@Controller('health')
export class HealthController {
  constructor(private readonly readiness: Readiness) {}

  /** Answers while the event loop turns; it says nothing about dependencies. */
  @Public()
  @Get('live')
  live(): { status: 'live' } {
    return { status: 'live' };
  }

  @Public()
  @Get('ready')
  async ready(
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<{ status: 'ready' } | { status: 'unready'; reasons: readonly ReadinessReason[] }> {
    const reasons = await this.readiness.reasons();
    if (reasons.length === 0) return { status: 'ready' };
    void reply.code(503).header('retry-after', '1');
    return { status: 'unready', reasons };
  }
}
