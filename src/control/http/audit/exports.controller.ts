import { Body, Controller, Get, HttpCode, Param, Post, Query, StreamableFile } from '@nestjs/common';
import { LedgerExports, type ExportRow } from '../../../audit/index.js';
import { AppError } from '../../../kernel/app-error.js';
import type { JsonObject } from '../../../kernel/json.js';
import { formatTime } from '../../../kernel/times.js';
import { AdminAccess, Idempotent, listAnswer, page, type ListAnswer } from '../../../platform/http/index.js';
import { AdminChanges, type AdminCall } from '../../admin-changes.js';
import { Call } from '../call.js';
import { CreateExportDto } from '../dto/audit-log.dto.js';
import { PageQuery } from '../dto/list-query.dto.js';

/** Exports of a zone's ledger, for auditors without access to the server. */
@Controller('v1/zones/:zone/audit/exports')
export class ExportsController {
  constructor(
    private readonly exports: LedgerExports,
    private readonly changes: AdminChanges,
  ) {}

  @Post()
  @HttpCode(202)
  @AdminAccess('audit')
  @Idempotent()
  async create(
    @Call() call: AdminCall,
    @Param('zone') zone: string,
    @Body() { from, to }: CreateExportDto,
  ): Promise<JsonObject> {
    const createdBy = `admin:${call.actor.id}`;
    return this.changes.create(call, zone, async (tx) => {
      const row = await this.exports.create(tx, { from, to, createdBy, scheduled: false });
      tx.note({ action: 'exports.create', target: `export:${row.id}`, detail: { from: row.from, to: row.to } });
      return exportBody(row);
    });
  }

  /** Oldest first. */
  @Get()
  @AdminAccess('audit')
  async list(@Param('zone') zone: string, @Query() query: PageQuery): Promise<ListAnswer<JsonObject>> {
    const slice = page({ ...query });
    const rows = await this.exports.list(zone, { limit: slice.limit + 1, after: slice.cursor });
    return listAnswer(rows, slice, (row) => row.id, exportBody);
  }

  @Get(':id')
  @AdminAccess('audit')
  async get(@Param('zone') zone: string, @Param('id') id: string): Promise<JsonObject> {
    return exportBody(await this.exports.get(zone, id));
  }

  @Get(':id/entries.jsonl')
  @AdminAccess('audit')
  async entries(@Param('zone') zone: string, @Param('id') id: string): Promise<StreamableFile> {
    const row = await this.ready(zone, id);
    return new StreamableFile(await this.exports.entries(row), {
      type: 'application/octet-stream',
      disposition: 'attachment; filename="entries.jsonl"',
      ...(row.bytes === null ? {} : { length: row.bytes }),
    });
  }

  /** What is kept beside these entries now; it is no part of what was signed, as it may be erased: the entries commit to it. */
  @Get(':id/personal.jsonl')
  @AdminAccess('audit')
  async personal(@Param('zone') zone: string, @Param('id') id: string): Promise<StreamableFile> {
    const row = await this.ready(zone, id);
    return new StreamableFile(this.exports.personal(row), {
      type: 'application/octet-stream',
      disposition: 'attachment; filename="personal.jsonl"',
    });
  }

  @Get(':id/manifest.json')
  @AdminAccess('audit')
  async manifest(@Param('zone') zone: string, @Param('id') id: string): Promise<StreamableFile> {
    const { manifest } = await this.ready(zone, id);
    return new StreamableFile(Buffer.from(manifest ?? '', 'utf8'), { type: 'application/json; charset=utf-8' });
  }

  private async ready(zone: string, id: string): Promise<ExportRow> {
    const row = await this.exports.get(zone, id);
    if (row.status !== 'ready') throw new AppError('conflict', 'The export is not ready.');
    return row;
  }
}

function exportBody(row: ExportRow): JsonObject {
  return {
    id: row.id,
    status: row.status,
    format: 'jsonl',
    from: row.from,
    to: row.to,
    scheduled: row.scheduled,
    created_by: row.createdBy,
    created_at: formatTime(row.createdAt.getTime()),
    ...(row.finishedAt === null ? {} : { finished_at: formatTime(row.finishedAt.getTime()) }),
    ...(row.bytes === null ? {} : { bytes: row.bytes }),
    ...(row.reason === null ? {} : { reason: row.reason }),
  };
}
