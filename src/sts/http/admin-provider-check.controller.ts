import { Controller, HttpCode, Param, Post } from '@nestjs/common';
import type { JsonObject } from '../../kernel/json.js';
import type { AdminRuntimeCall } from '../../coordinator/index.js';
import { AdminAccess } from '../../platform/http/index.js';
import { ProviderCheck } from '../upstream/provider-check.js';
import { Administrator } from './admin-call.js';

@Controller('v1/zones/:zone/providers')
export class AdminProviderCheckController {
  constructor(private readonly check: ProviderCheck) {}

  /** 200 whatever is found; `ok` when nothing that was tried failed. */
  @Post(':id/test')
  @HttpCode(200)
  @AdminAccess('write')
  async test(@Administrator() call: AdminRuntimeCall, @Param('id') id: string): Promise<JsonObject> {
    const checks = await this.check.run(call, id);
    return { ok: checks.every((one) => one.outcome !== 'failed'), checks: checks.map((one) => ({ ...one })) };
  }
}
