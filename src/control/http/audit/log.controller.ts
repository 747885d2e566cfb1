import { Body, Controller, Get, Header, HttpCode, Param, Post, Query } from '@nestjs/common';
import { LedgerReader, LogReader } from '../../../audit/index.js';
import { AppError } from '../../../kernel/app-error.js';
import type { JsonObject } from '../../../kernel/json.js';
import { AdminAccess } from '../../../platform/http/index.js';
import type { AdminCall } from '../../admin-changes.js';
import { invalidRequest } from '../../domain/faults.js';
import { RollbackAcknowledgement } from '../../rollback-acknowledgement.js';
import { Call } from '../call.js';
import { AcknowledgeRollbackDto, ConsistencyQuery } from '../dto/audit-log.dto.js';

const INDEX = /^(?:0|[1-9][0-9]{0,14})$/;
const PLAIN_TEXT = 'text/plain; charset=utf-8';

/** The Merkle log of a zone's ledger: signed checkpoints and proofs (RFC 6962, C2SP). */
@Controller('v1/zones/:zone/audit')
export class LogController {
  constructor(
    private readonly log: LogReader,
    private readonly ledger: LedgerReader,
    private readonly rollback: RollbackAcknowledgement,
  ) {}

  /** The last checkpoint, a signed note (C2SP tlog-checkpoint). */
  @Get('checkpoint')
  @AdminAccess('audit')
  @Header('content-type', PLAIN_TEXT)
  async checkpoint(@Param('zone') zone: string): Promise<string> {
    return (await this.log.head(zone)).note;
  }

  /** That an entry is in the log (C2SP tlog-proof). */
  @Get('proofs/:index')
  @AdminAccess('audit')
  @Header('content-type', PLAIN_TEXT)
  async proof(@Param('zone') zone: string, @Param('index') index: string): Promise<string> {
    if (!INDEX.test(index)) throw new AppError('not_found', 'There is no such entry.');
    await this.ledger.requireKept(zone, Number(index));
    return this.log.proof(zone, Number(index));
  }

  /** That the tree of `to` entries begins with the one of `from` (RFC 6962 §2.1.2). */
  @Get('consistency')
  @AdminAccess('audit')
  async consistency(@Param('zone') zone: string, @Query() query: ConsistencyQuery): Promise<JsonObject> {
    const { size } = await this.log.head(zone);
    const [from, to] = [Number(query.from), query.to === undefined ? size : Number(query.to)];
    if (from > to) throw invalidRequest([{ field: 'from', message: 'must not be above to' }]);
    try {
      const hashes = await this.log.consistency(zone, from, to);
      return { from, to, hashes: hashes.map((hash) => hash.toString('base64')) };
    } catch (error) {
      if (error instanceof AppError && error.code === 'not_found')
        throw invalidRequest([{ field: 'to', message: 'must not be above the size of the log' }]);
      throw error;
    }
  }

  /** After a database was set back: lets the log go on under a new name. What was signed before stays signed. */
  @Post('acknowledge-rollback')
  @HttpCode(200)
  @AdminAccess('bootstrap')
  async acknowledge(
    @Call() call: AdminCall,
    @Param('zone') zone: string,
    @Body() { reason }: AcknowledgeRollbackDto,
  ): Promise<JsonObject> {
    return this.rollback.acknowledge(call, zone, reason);
  }
}
