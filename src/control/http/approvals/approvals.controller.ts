import { Body, Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { AppError } from '../../../kernel/app-error.js';
import type { JsonObject } from '../../../kernel/json.js';
import { AdminAccess, listAnswer, page, type ListAnswer } from '../../../platform/http/index.js';
import type { AdminCall } from '../../admin-changes.js';
import { ApprovalDecisions } from '../../approvals/approval-decisions.js';
import { ApprovalLists } from '../../approvals/approval-lists.js';
import { approvalBody } from '../../domain/approvals/approval-body.js';
import { isObjectId } from '../../domain/object-id.js';
import { Call } from '../call.js';
import { ApprovalQuery, ApprovalReasonDto } from '../dto/approval.dto.js';

/** Holds of a zone, for those who decide them. */
@Controller('v1/zones/:zone/approvals')
export class ApprovalsController {
  constructor(
    private readonly lists: ApprovalLists,
    private readonly decisions: ApprovalDecisions,
  ) {}

  @Get()
  @AdminAccess('read')
  async list(@Param('zone') zone: string, @Query() query: ApprovalQuery): Promise<ListAnswer<JsonObject>> {
    const { status, application, session } = query;
    const slice = page({ ...query });
    const rows = await this.lists.list(zone, { status, application, session }, slice);
    const { now } = this.lists;
    return listAnswer(
      rows,
      slice,
      (row) => row.id,
      (row) => approvalBody(row, now, 'operator'),
    );
  }

  @Get(':id')
  @AdminAccess('read')
  async get(@Param('zone') zone: string, @Param('id') id: string): Promise<JsonObject> {
    return approvalBody(await this.lists.get(zone, id), this.lists.now, 'operator');
  }

  @Post(':id/approve')
  @HttpCode(200)
  @AdminAccess('approve')
  approve(
    @Call() call: AdminCall,
    @Param('zone') zone: string,
    @Param('id') id: string,
    @Body() { reason }: ApprovalReasonDto,
  ): Promise<JsonObject> {
    return this.decide(call, { zone, id, decision: 'approve', reason });
  }

  @Post(':id/deny')
  @HttpCode(200)
  @AdminAccess('approve')
  deny(
    @Call() call: AdminCall,
    @Param('zone') zone: string,
    @Param('id') id: string,
    @Body() { reason }: ApprovalReasonDto,
  ): Promise<JsonObject> {
    return this.decide(call, { zone, id, decision: 'deny', reason });
  }

  private async decide(
    call: AdminCall,
    asked: { zone: string; id: string; decision: 'approve' | 'deny'; reason: string | undefined },
  ): Promise<JsonObject> {
    if (!isObjectId(asked.id)) throw new AppError('not_found', 'There is no such approval.');
    return approvalBody(await this.decisions.asOperator(call, asked), this.lists.now, 'operator');
  }
}
