import { Body, Controller, Get, HttpCode, Param, Post, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { AppError } from '../../kernel/app-error.js';
import type { JsonObject } from '../../kernel/json.js';
import { formatTime } from '../../kernel/times.js';
import { AdminAccess, AlsoAnswers, Idempotent, listAnswer, page, type ListAnswer } from '../../platform/http/index.js';
import { type AdminRuntimeCall, RevocationAdministration } from '../revocations/administration.js';
import { revocationBody } from './bodies.js';
import { Administrator } from './admin-call.js';
import { CreateRevocationDto, RevocationsQuery } from './dto/revocation.dto.js';
import { ReasonDto } from './dto/session.dto.js';

/** The kill switches of a zone. */
@Controller('v1/zones/:zone')
export class AdminRevocationsController {
  constructor(private readonly administration: RevocationAdministration) {}

  /** 201 when something ended by this call, 200 when it had ended before. */
  @Post('revocations')
  @AlsoAnswers(200)
  @AdminAccess('write')
  @Idempotent()
  async create(
    @Administrator() call: AdminRuntimeCall,
    @Body() { kind, id, reason }: CreateRevocationDto,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<JsonObject> {
    const { changed, at } = await this.administration.revoke(call, { kind, id, reason, action: 'revocations.create' });
    void reply.code(changed ? 201 : 200);
    return { kind, id, reason, at: formatTime(at) };
  }

  /** Those that some token could still match. */
  @Get('revocations')
  @AdminAccess('read')
  async list(@Param('zone') zone: string, @Query() query: RevocationsQuery): Promise<ListAnswer<JsonObject>> {
    const slice = page({ ...query });
    const rows = await this.administration.list(zone, query.kind, {
      limit: slice.limit + 1,
      after: keyOf(slice.cursor),
    });
    return listAnswer(rows, slice, (row) => `${row.kind} ${row.anchor}`, revocationBody);
  }

  @Post('subjects/:subject/revoke')
  @HttpCode(200)
  @AdminAccess('write')
  async revokeSubject(
    @Administrator() call: AdminRuntimeCall,
    @Param('subject') id: string,
    @Body() { reason }: ReasonDto,
  ): Promise<JsonObject> {
    const order = {
      kind: 'subject',
      id,
      reason: reason ?? 'revoked by an administrator',
      action: 'subjects.revoke',
    } as const;
    const { at } = await this.administration.revoke(call, order);
    return { kind: 'subject', id, reason: order.reason, at: formatTime(at) };
  }
}

/** Kinds hold no space, so the first one separates. */
function keyOf(cursor: string | undefined): readonly [string, string] | undefined {
  if (cursor === undefined) return undefined;
  const at = cursor.indexOf(' ');
  if (at < 1)
    throw new AppError('invalid_request', 'The query is not valid.', {
      errors: [{ field: 'cursor', message: 'must be the next_cursor of an earlier answer' }],
    });
  return [cursor.slice(0, at), cursor.slice(at + 1)];
}
