import { Controller, Get } from '@nestjs/common';
import type { JsonObject } from '../../kernel/json.js';
import { AdminAccess } from '../../platform/http/index.js';
import { SystemReport } from '../system-report.js';

/** The server itself: what runs, on what, how far behind. */
@Controller('v1/system')
export class SystemController {
  constructor(private readonly system: SystemReport) {}

  @Get()
  @AdminAccess('read')
  read(): Promise<JsonObject> {
    return this.system.read();
  }
}
