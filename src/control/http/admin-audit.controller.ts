import { Controller, Get, Query } from '@nestjs/common';
import type { JsonObject } from '../../kernel/json.js';
import { Database } from '../../platform/database/index.js';
import { AdminAccess, listAnswer, page, type ListAnswer } from '../../platform/http/index.js';
import { adminAuditItem } from '../domain/audit/admin-audit.js';
import { invalidRequest } from '../domain/faults.js';
import { adminAuditKey, entryOf, readAdminAudit } from '../persistence/admin-audit-rows.js';
import { timeOf } from './answers.js';
import { AdminAuditQuery } from './dto/event-query.dto.js';

@Controller('v1/admin-audit')
export class AdminAuditController {
  constructor(private readonly database: Database) {}

  /** Administrative changes of every zone and of the server itself, newest first. */
  @Get()
  @AdminAccess('audit')
  async list(@Query() query: AdminAuditQuery): Promise<ListAnswer<JsonObject>> {
    const slice = page({ ...query });
    const { zone, token, action, request_id: requestId } = query;
    const filter = { zone, token, action, requestId, since: timeOf(query.since), until: timeOf(query.until) };
    const rows = await readAdminAudit(this.database, filter, slice);
    if (!rows) throw invalidRequest([{ field: 'cursor', message: 'must be the next_cursor of an earlier answer' }]);
    return listAnswer(rows, slice, adminAuditKey, (row) => adminAuditItem(row.zone, Number(row.index), entryOf(row)));
  }
}
