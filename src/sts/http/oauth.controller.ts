import { Body, Controller, Header, HttpCode, Param, Post, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { JsonObject } from '../../kernel/json.js';
import { Form, OAuthClient } from '../../platform/http/index.js';
import { Introspection } from '../introspection.js';
import { TokenRevocation } from '../revocation.js';
import { TokenEndpoint } from '../token-endpoint.js';
import { oauthCall } from './oauth-call.js';

/** The endpoints of a zone's authorization server that clients authenticate to. */
@Controller('z/:zone/oauth2')
export class OAuthController {
  constructor(
    private readonly endpoint: TokenEndpoint,
    private readonly introspection: Introspection,
    private readonly revocation: TokenRevocation,
  ) {}

  @OAuthClient()
  @HttpCode(200)
  @Header('Cache-Control', 'no-store')
  @Header('Pragma', 'no-cache')
  @Post('token')
  async token(
    @Param('zone') zone: string,
    @Body() form: Form,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<JsonObject> {
    const nonce = await this.endpoint.nonce(zone);
    if (nonce !== undefined) void reply.header('dpop-nonce', nonce);
    return this.endpoint.token(oauthCall(zone, form, request));
  }

  @OAuthClient()
  @HttpCode(200)
  @Header('Cache-Control', 'no-store')
  @Post('introspect')
  introspect(@Param('zone') zone: string, @Body() form: Form, @Req() request: FastifyRequest): Promise<JsonObject> {
    return this.introspection.introspect(oauthCall(zone, form, request));
  }

  @OAuthClient()
  @HttpCode(200)
  @Header('Cache-Control', 'no-store')
  @Post('revoke')
  revoke(@Param('zone') zone: string, @Body() form: Form, @Req() request: FastifyRequest): Promise<void> {
    return this.revocation.revoke(oauthCall(zone, form, request));
  }
}
