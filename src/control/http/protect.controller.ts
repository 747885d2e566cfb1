import { Body, Controller, Param, Post, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import type { JsonObject } from '../../kernel/json.js';
import { AdminAccess, Idempotent } from '../../platform/http/index.js';
import type { AdminCall } from '../admin-changes.js';
import { Protection } from '../protection.js';
import { plain } from './answers.js';
import { Call } from './call.js';
import { ProtectDto } from './dto/protect.dto.js';
import { declaredOperations } from './resource-values.js';

@Controller('v1/zones/:zone/protect')
export class ProtectController {
  constructor(private readonly protection: Protection) {}

  /** The only answer that ever holds the secret. */
  @Post()
  @AdminAccess('write')
  @Idempotent({ secretMembers: ['client_secret'] })
  async protect(
    @Call() call: AdminCall,
    @Param('zone') zone: string,
    @Body() body: ProtectDto,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<JsonObject> {
    void reply.header('cache-control', 'no-store');
    return this.protection.protect(call, zone, {
      name: body.name,
      upstreamUrl: body.upstream_url,
      provider: plain({ ...body.provider }),
      scopes: body.scopes?.map((scope) => plain({ ...scope })),
      operations: declaredOperations(body.operations, undefined),
      mcp: body.mcp,
      egress: body.egress && plain(body.egress),
    });
  }
}
