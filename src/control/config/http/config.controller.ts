import { Body, Controller, Get, HttpCode, Post, Query } from '@nestjs/common';
import type { JsonObject } from '../../../kernel/json.js';
import { AdminAccess } from '../../../platform/http/index.js';
import type { AdminCall } from '../../admin-changes.js';
import { ConfigApply } from '../config-apply.js';
import { ConfigExport } from '../config-export.js';
import type { ConfigChange } from '../../domain/config/config-plan.js';
import { Call } from '../../http/call.js';
import { ConfigApplyQuery, ConfigDto } from './config.dto.js';

/** Everything that administrators have chosen, as one document. */
@Controller('v1/config')
export class ConfigController {
  constructor(
    private readonly exports: ConfigExport,
    private readonly applying: ConfigApply,
  ) {}

  @Get('export')
  @AdminAccess('read')
  export(): Promise<JsonObject> {
    return this.exports.document();
  }

  /** With `dry_run=true` it says what it would do. */
  @Post('apply')
  @HttpCode(200)
  @AdminAccess('write')
  async apply(
    @Call() call: AdminCall,
    @Query() query: ConfigApplyQuery,
    @Body() { zones }: ConfigDto,
  ): Promise<{ readonly changes: readonly ConfigChange[] }> {
    return {
      changes: query.dry_run === 'true' ? await this.applying.plan(zones) : await this.applying.apply(call, zones),
    };
  }
}
