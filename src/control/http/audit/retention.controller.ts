import { Body, Controller, Delete, Get, HttpCode, Param, Post, Put, Query } from '@nestjs/common';
import { administratorActor, type Hold, LedgerRetention, type MonthOutcome } from '../../../audit/index.js';
import { AppError } from '../../../kernel/app-error.js';
import type { JsonObject } from '../../../kernel/json.js';
import { formatTime } from '../../../kernel/times.js';
import { AdminAccess, Idempotent, listAnswer, page, type ListAnswer } from '../../../platform/http/index.js';
import { AdminChanges, type AdminCall } from '../../admin-changes.js';
import { invalidRequest } from '../../domain/faults.js';
import { lockZone } from '../../persistence/locks.js';
import { Call } from '../call.js';
import { PageQuery } from '../dto/list-query.dto.js';
import { ErasureDto, HoldDto, ReleaseHoldDto, RetentionDto } from './retention.dto.js';

/** How long a zone keeps its ledger, and what is kept whatever that says. */
@Controller('v1/zones/:zone/audit')
export class RetentionController {
  constructor(
    private readonly changes: AdminChanges,
    private readonly retention: LedgerRetention,
  ) {}

  @Get('retention')
  @AdminAccess('audit')
  async read(@Param('zone') zone: string): Promise<JsonObject> {
    return { days: await this.retention.days(zone) };
  }

  @Put('retention')
  @AdminAccess('audit')
  write(@Call() call: AdminCall, @Param('zone') zone: string, @Body() { days }: RetentionDto): Promise<JsonObject> {
    return this.changes.create(call, zone, async (tx) => {
      await lockZone(tx, 'share');
      const before = await this.retention.keep(tx, days, new Date(tx.now));
      tx.note({ action: 'audit.retention', target: `zone:${zone}`, before: { days: before }, after: { days } });
      return { days };
    });
  }

  /** Drops what is due. What a hold of this zone keeps is refused with `retention_hold`, after everything else was done. */
  @Post('retention/apply')
  @HttpCode(200)
  @AdminAccess('audit')
  async apply(@Call() call: AdminCall, @Param('zone') zone: string): Promise<JsonObject> {
    await this.changes.create(call, zone, async (tx) => {
      await lockZone(tx, 'share');
      tx.note({ action: 'audit.retention_apply', target: `zone:${zone}` });
    });
    const outcomes = await this.retention.apply();
    const months = outcomes.flatMap((outcome) => monthOf(outcome, zone));
    if (months.some((month) => month['kept_by'] === 'hold'))
      throw new AppError('retention_hold', 'What is due is on hold.', { detail: JSON.stringify(months) });
    return { months };
  }

  /** Erases what is personal of one subject, or of a range of entries: their hashes stay, so that the ledger verifies as before. */
  @Post('erasures')
  @HttpCode(200)
  @AdminAccess('audit')
  async erase(@Call() call: AdminCall, @Param('zone') zone: string, @Body() range: ErasureDto): Promise<JsonObject> {
    const { subject, from = 0, to, reason } = range;
    if (subject === undefined && to === undefined)
      throw invalidRequest([{ field: 'subject', message: 'is required without a range: from and to' }]);
    requireRange(range);
    return this.changes.create(call, zone, async (tx) => {
      await lockZone(tx, 'share');
      const by = { actor: administratorActor(call.actor), requestId: call.origin.requestId };
      const erased = await this.retention.erase(tx, { subject, from, to }, by);
      tx.note({ action: 'audit.erase', target: `zone:${zone}`, detail: { erased, reason } });
      return { erased };
    });
  }

  /** Those that stand, oldest first. */
  @Get('holds')
  @AdminAccess('audit')
  async holds(@Param('zone') zone: string, @Query() query: PageQuery): Promise<ListAnswer<JsonObject>> {
    const slice = page({ ...query });
    const holds = await this.retention.holds(zone, { limit: slice.limit + 1, after: slice.cursor });
    return listAnswer(holds, slice, (hold) => hold.id, holdBody);
  }

  @Post('holds')
  @AdminAccess('audit')
  @Idempotent()
  async hold(@Call() call: AdminCall, @Param('zone') zone: string, @Body() range: HoldDto): Promise<JsonObject> {
    requireRange(range);
    const { from, to, reason } = range;
    return this.changes.create(call, zone, async (tx) => {
      await lockZone(tx, 'share');
      const wanted = { ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }), reason };
      const hold = await this.retention.hold(tx, { ...wanted, createdAt: new Date(tx.now), createdBy: call.actor.id });
      tx.note({ action: 'audit.hold', target: `hold:${hold.id}`, after: holdBody(hold) });
      return holdBody(hold);
    });
  }

  @Delete('holds/:id')
  @HttpCode(204)
  @AdminAccess('audit')
  release(
    @Call() call: AdminCall,
    @Param('zone') zone: string,
    @Param('id') id: string,
    @Body() { reason }: ReleaseHoldDto,
  ): Promise<void> {
    return this.changes.create(call, zone, async (tx) => {
      await lockZone(tx, 'share');
      await this.retention.release(tx, id, reason, new Date(tx.now));
      tx.note({ action: 'audit.hold_release', target: `hold:${id}`, detail: { reason } });
    });
  }
}

function requireRange({ from = 0, to }: { from?: number; to?: number }): void {
  if (to !== undefined && to <= from) throw invalidRequest([{ field: 'to', message: 'must be above from' }]);
}

function holdBody({ id, from, to, reason, createdAt }: Hold): JsonObject {
  return { id, from, ...(to === undefined ? {} : { to }), reason, created_at: formatTime(createdAt.getTime()) };
}

/** A month as far as this zone is concerned; what other zones keep it for is not said. */
function monthOf({ month, parts, dropped, left }: MonthOutcome, zone: string): JsonObject[] {
  const own = parts.find((part) => part.zone === zone);
  if (!own) return [];
  const keptBy = dropped ? undefined : (own.keptBy ?? left ?? 'other_zones');
  const range = { month: month.slice(0, 7), from: own.from, to: own.to, dropped };
  return [{ ...range, ...(keptBy === undefined ? {} : { kept_by: keptBy }) }];
}
