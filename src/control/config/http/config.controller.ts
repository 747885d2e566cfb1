import { Body, Controller, Get, Headers, HttpCode, Post, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import type { JsonObject } from '../../../kernel/json.js';
import { AdminAccess } from '../../../platform/http/index.js';
import type { AdminCall } from '../../admin-changes.js';
import { ConfigApply } from '../config-apply.js';
import { ConfigExport } from '../config-export.js';
import { Call } from '../../http/call.js';
import { ConfigApplyQuery, ConfigDto } from './config.dto.js';

/** Everything that administrators have chosen, as one document. */
@Controller('v1/config')
export class ConfigController {
  constructor(
    private readonly exports: ConfigExport,
    private readonly applying: ConfigApply,
  ) {}

  /** With the tag of this very document, for applying a change of it to nothing else. */
  @Get('export')
  @AdminAccess('read')
  async export(@Res({ passthrough: true }) reply: FastifyReply): Promise<JsonObject> {
    const { body, etag } = await this.exports.document();
    void reply.header('etag', etag);
    return body;
  }

  /** All of it or nothing. With `dry_run=true` it says what it would do; with `If-Match`, only to the configuration that was read. */
  @Post('apply')
  @HttpCode(200)
  @AdminAccess('write')
  async apply(
    @Call() call: AdminCall,
    @Query() query: ConfigApplyQuery,
    @Headers('if-match') ifMatch: string | undefined,
    @Body() document: ConfigDto,
  ): Promise<JsonObject> {
    const options = { dryRun: query.dry_run === 'true', ifMatch };
    const { changes, secrets } = await this.applying.apply(call, document, options);
    const body = secrets.length === 0 ? { changes } : { changes, secrets };
    return body as unknown as JsonObject;
  }
}
