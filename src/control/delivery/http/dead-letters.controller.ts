import { Body, Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { IsIn, IsString } from 'class-validator';
import type { JsonObject } from '../../../kernel/json.js';
import { formatTime } from '../../../kernel/times.js';
import { AdminAccess, listAnswer, page, type ListAnswer } from '../../../platform/http/index.js';
import { type DeadLetter, QUEUE_NAMES, type QueueName } from '../../../platform/queue/index.js';
import type { AdminCall } from '../../admin-changes.js';
import { Call } from '../../http/call.js';
import { IsText, Optional } from '../../http/dto/rules.js';
import { DeadLetterDecisions } from '../dead-letter-decisions.js';

const LONGEST_REASON = 500;

export class DeadLetterQuery {
  @Optional()
  @IsString()
  limit?: string;

  @Optional()
  @IsString()
  cursor?: string;

  @Optional()
  @IsIn(QUEUE_NAMES)
  queue?: QueueName;
}

export class DiscardDto {
  @IsText(LONGEST_REASON)
  reason!: string;
}

/** Messages that were proven bad, or that nobody took: they wait here until somebody decides. */
@Controller('v1/dead-letters')
export class DeadLettersController {
  constructor(private readonly decisions: DeadLetterDecisions) {}

  @Get()
  @AdminAccess('read')
  async list(@Query() query: DeadLetterQuery): Promise<ListAnswer<JsonObject>> {
    const slice = page({ ...query });
    const rows = await this.decisions.list(slice, query.queue);
    return listAnswer(rows, slice, (row) => row.id, deadLetterBody);
  }

  @Get(':id')
  @AdminAccess('read')
  async get(@Param('id') id: string): Promise<JsonObject> {
    return deadLetterBody(await this.decisions.get(id));
  }

  @Post(':id/requeue')
  @HttpCode(200)
  @AdminAccess('write')
  async requeue(@Call() call: AdminCall, @Param('id') id: string): Promise<JsonObject> {
    return deadLetterBody(await this.decisions.requeue(call, id));
  }

  @Post(':id/discard')
  @HttpCode(200)
  @AdminAccess('write')
  async discard(@Call() call: AdminCall, @Param('id') id: string, @Body() { reason }: DiscardDto): Promise<JsonObject> {
    return deadLetterBody(await this.decisions.discard(call, id, reason));
  }
}

function deadLetterBody({ id, queue, zone, name, reason, attempts, firstAt, lastAt }: DeadLetter): JsonObject {
  const times = { first_at: formatTime(firstAt.getTime()), last_at: formatTime(lastAt.getTime()) };
  return { id, queue, name, reason, attempts, ...times, ...(zone === null ? {} : { zone }) };
}
