import { Body, Controller, Get, HttpCode, Param, Post, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { AppError } from '../../kernel/app-error.js';
import { formatTime } from '../../kernel/times.js';
import { AdminAccess, AlsoAnswers, listAnswer, page, type ListAnswer } from '../../platform/http/index.js';
import { KeyAdministration } from '../key-administration.js';
import { AdminCall, type AdminRequest } from '../principals.js';
import { keyAnswer, RevokeKeyDto, RotateKeysDto, type KeyAnswer } from './admin-key.dto.js';

interface KeyPath {
  readonly zone: string;
  readonly kid: string;
}

/** A zone's signing keys. */
@Controller('v1/zones/:zone/keys')
export class AdminKeysController {
  constructor(private readonly keys: KeyAdministration) {}

  @Get()
  @AdminAccess('read')
  async list(@Param('zone') zone: string, @Query() query: Record<string, unknown>): Promise<ListAnswer<KeyAnswer>> {
    const asked = page(query);
    const all = await this.keys.list(zone);
    const from = asked.cursor === undefined ? 0 : all.findIndex((key) => key.kid === asked.cursor) + 1;
    return listAnswer(all.slice(from), asked, (key) => key.kid, keyAnswer);
  }

  /** 200 when the next key signs now, 202 when it must first be known to verifiers. */
  @Post('rotate')
  @HttpCode(200)
  @AlsoAnswers(202)
  @AdminAccess('write')
  async rotate(
    @AdminCall() call: AdminRequest,
    @Param('zone') zone: string,
    @Body() body: RotateKeysDto,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<{ items: KeyAnswer[]; promoted: boolean; activate_after?: string }> {
    const { promoted, at } = await this.keys.rotate(call, zone, body.activate ?? 'when_published');
    if (!promoted) void reply.code(202);
    const items = (await this.keys.list(zone)).map(keyAnswer);
    return { items, promoted, ...(promoted ? {} : { activate_after: formatTime(at) }) };
  }

  @Post(':kid/revoke')
  @HttpCode(200)
  @AdminAccess('write')
  async revoke(
    @AdminCall() call: AdminRequest,
    @Param() { zone, kid }: KeyPath,
    @Body() body: RevokeKeyDto,
  ): Promise<KeyAnswer> {
    await this.keys.revoke(call, zone, { kid, reason: body.reason ?? 'revoked by an administrator' });
    const key = (await this.keys.list(zone)).find((candidate) => candidate.kid === kid);
    if (!key) throw new AppError('not_found', 'There is no such key.');
    return keyAnswer(key);
  }
}
