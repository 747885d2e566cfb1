import { Body, Controller, Delete, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { AdminAccess, Idempotent, listAnswer, page, type ListAnswer } from '../../platform/http/index.js';
import { AdminTokens } from '../admin-tokens.js';
import { AdminCall, type AdminRequest } from '../principals.js';
import {
  adminTokenAnswer,
  CreateAdminTokenDto,
  RotateAdminTokenDto,
  type AdminTokenAnswer,
} from './admin-token.dto.js';

/** Admin tokens are managed with global `bootstrap` tokens only. */
@Controller('v1/admin-tokens')
export class AdminTokensController {
  constructor(private readonly tokens: AdminTokens) {}

  @Post()
  @AdminAccess('bootstrap')
  @Idempotent({ secretMembers: ['token'] })
  async create(
    @AdminCall() call: AdminRequest,
    @Body() body: CreateAdminTokenDto,
  ): Promise<AdminTokenAnswer & { readonly token: string }> {
    const { row, token } = await this.tokens.create(call, body);
    return { ...adminTokenAnswer(row), token };
  }

  @Get()
  @AdminAccess('bootstrap')
  async list(@Query() query: Record<string, unknown>): Promise<ListAnswer<AdminTokenAnswer>> {
    const asked = page(query);
    return listAnswer(await this.tokens.list(asked), asked, (row) => row.id, adminTokenAnswer);
  }

  @Get(':id')
  @AdminAccess('bootstrap')
  async read(@Param('id') id: string): Promise<AdminTokenAnswer> {
    return adminTokenAnswer(await this.tokens.read(id));
  }

  /** A new token in the place of this one: the same name, capabilities and zones. */
  @Post(':id/rotate')
  @AdminAccess('bootstrap')
  @Idempotent({ secretMembers: ['token'] })
  async rotate(
    @AdminCall() call: AdminRequest,
    @Param('id') id: string,
    @Body() { ttl_seconds: ttlSeconds, overlap_seconds: overlapSeconds }: RotateAdminTokenDto,
  ): Promise<AdminTokenAnswer & { readonly token: string; readonly replaces: string }> {
    const { row, token } = await this.tokens.rotate(call, id, { ttlSeconds, overlapSeconds });
    return { ...adminTokenAnswer(row), token, replaces: id };
  }

  @Delete(':id')
  @HttpCode(204)
  @AdminAccess('bootstrap')
  async revoke(@AdminCall() call: AdminRequest, @Param('id') id: string): Promise<void> {
    await this.tokens.revoke(call, id);
  }
}
