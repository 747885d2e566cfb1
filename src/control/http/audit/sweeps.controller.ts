import { Controller, Get, HttpCode, Param, Post } from '@nestjs/common';
import { LedgerSweeps } from '../../../audit/index.js';
import type { JsonObject } from '../../../kernel/json.js';
import { formatTime } from '../../../kernel/times.js';
import { AdminAccess, Idempotent } from '../../../platform/http/index.js';
import { AdminChanges, type AdminCall } from '../../admin-changes.js';
import { lockZone } from '../../persistence/locks.js';
import { Call } from '../call.js';

/** Sweeps of a zone's ledger: everything it holds is read and compared with what was written and signed. */
@Controller('v1/zones/:zone/audit/verify')
export class SweepsController {
  constructor(
    private readonly sweeps: LedgerSweeps,
    private readonly changes: AdminChanges,
  ) {}

  @Post()
  @HttpCode(202)
  @AdminAccess('audit')
  @Idempotent()
  start(@Call() call: AdminCall, @Param('zone') zone: string): Promise<{ readonly id: string }> {
    return this.changes.create(call, zone, async (tx) => {
      await lockZone(tx, 'share');
      const id = await this.sweeps.request(tx);
      tx.note({ action: 'audit.verify', target: `sweep:${id}` });
      return { id };
    });
  }

  @Get(':id')
  @AdminAccess('audit')
  async get(@Param('zone') zone: string, @Param('id') id: string): Promise<JsonObject> {
    const { status, findings, startedAt, finishedAt } = await this.sweeps.get(zone, id);
    return {
      id,
      status,
      findings: findings.map(({ index = null, kind, reason }) => ({ index, kind, reason })),
      started_at: formatTime(startedAt.getTime()),
      ...(finishedAt === null ? {} : { finished_at: formatTime(finishedAt.getTime()) }),
    };
  }
}
