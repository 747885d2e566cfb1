import type { IncomingHttpHeaders } from 'node:http';
import { Body, Controller, Get, Headers, HttpCode, Param, Post, Query, Res, StreamableFile } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { LedgerExports, type ExportRow } from '../../../audit/index.js';
import { AppError } from '../../../kernel/app-error.js';
import type { JsonObject } from '../../../kernel/json.js';
import { formatTime } from '../../../kernel/times.js';
import {
  AdminAccess,
  AlsoAnswers,
  Idempotent,
  listAnswer,
  page,
  type ListAnswer,
} from '../../../platform/http/index.js';
import { AdminChanges, type AdminCall } from '../../admin-changes.js';
import { byteRange } from '../../domain/audit/byte-range.js';
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

  /** All of it or, to go on with a download that broke off, a range of its bytes (RFC 9110 §14); its bytes never change. */
  @Get(':id/entries.jsonl')
  @AdminAccess('audit')
  @AlsoAnswers(206)
  async entries(
    @Param('zone') zone: string,
    @Param('id') id: string,
    @Headers() headers: IncomingHttpHeaders,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<StreamableFile> {
    const row = await this.ready(zone, id);
    const length = row.bytes ?? 0;
    const etag = `"${row.id}"`;
    const asked = headers['if-range'] === undefined || headers['if-range'] === etag ? headers.range : undefined;
    const range = byteRange(asked, length);
    void reply.headers({ 'accept-ranges': 'bytes', etag });
    if (range === 'unsatisfiable') {
      void reply.header('content-range', `bytes */${length}`);
      throw new AppError('range_not_satisfiable', `The file has ${length} bytes.`);
    }
    if (range) void reply.code(206).header('content-range', `bytes ${range.start}-${range.end - 1}/${length}`);
    const part = range ?? { start: 0, end: length };
    return new StreamableFile(await this.exports.entries(row, part), {
      type: 'application/octet-stream',
      disposition: 'attachment; filename="entries.jsonl"',
      length: part.end - part.start,
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
