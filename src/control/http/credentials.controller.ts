import { Body, Controller, Delete, Get, HttpCode, Param, Post, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import type { JsonObject } from '../../kernel/json.js';
import { AdminAccess, Idempotent, listAnswer, page, type ListAnswer } from '../../platform/http/index.js';
import type { AdminCall } from '../admin-changes.js';
import { Credentials, type NewCredential } from '../credentials.js';
import { credentialBody } from '../domain/credentials/credential.js';
import { plain, timeOf } from './answers.js';
import { Call } from './call.js';
import { CreateCredentialDto } from './dto/credential.dto.js';
import { PageQuery } from './dto/list-query.dto.js';

@Controller('v1/zones/:zone/applications/:application/credentials')
export class CredentialsController {
  constructor(private readonly credentials: Credentials) {}

  /** The only answer that ever holds the secret. */
  @Post()
  @AdminAccess('write')
  @Idempotent({ secretMembers: ['client_secret'] })
  async create(
    @Call() call: AdminCall,
    @Param() { zone, application }: { zone: string; application: string },
    @Body() body: CreateCredentialDto,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<JsonObject> {
    const { row, secret } = await this.credentials.create(call, zone, application, newCredential(body));
    void reply.headers({
      location: `/v1/zones/${zone}/applications/${application}/credentials/${row.id}`,
      'cache-control': 'no-store',
    });
    return { ...credentialBody(row), ...(secret === undefined ? {} : { client_secret: secret }) };
  }

  @Get()
  @AdminAccess('read')
  async list(
    @Param('zone') zone: string,
    @Param('application') application: string,
    @Query() query: PageQuery,
  ): Promise<ListAnswer<JsonObject>> {
    const slice = page({ ...query });
    return listAnswer(await this.credentials.list(zone, application, slice), slice, (row) => row.id, credentialBody);
  }

  @Get(':id')
  @AdminAccess('read')
  async get(
    @Param('zone') zone: string,
    @Param('application') application: string,
    @Param('id') id: string,
  ): Promise<JsonObject> {
    return credentialBody(await this.credentials.get(zone, application, id));
  }

  @Delete(':id')
  @HttpCode(204)
  @AdminAccess('write')
  async remove(
    @Call() call: AdminCall,
    @Param() { zone, application, id }: { zone: string; application: string; id: string },
  ): Promise<void> {
    await this.credentials.remove(call, zone, application, id);
  }
}

function newCredential({ type, jwks, expires_at, ...details }: CreateCredentialDto): NewCredential {
  return { type, jwks: jwks && plain(jwks), details: plain(details), expiresAt: timeOf(expires_at) };
}
