import { Body, Controller, Header, HttpCode, Param, Post, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { JsonObject } from '../../kernel/json.js';
import { Form, OAuthClient } from '../../platform/http/index.js';
import { SIGNED_INTROSPECTION, wantsSigned } from '../domain/accepted-answer.js';
import { BackchannelEndpoint } from '../approvals/backchannel.js';
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
    private readonly backchannel: BackchannelEndpoint,
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
  async introspect(
    @Param('zone') zone: string,
    @Body() form: Form,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<JsonObject | string> {
    const call = oauthCall(zone, form, request);
    void reply.header('vary', 'accept');
    if (!wantsSigned(request.headers.accept)) return this.introspection.introspect(call);
    const signed = await this.introspection.introspectSigned(call);
    void reply.type(SIGNED_INTROSPECTION);
    return signed;
  }

  @OAuthClient()
  @HttpCode(200)
  @Header('Cache-Control', 'no-store')
  @Post('revoke')
  revoke(@Param('zone') zone: string, @Body() form: Form, @Req() request: FastifyRequest): Promise<void> {
    return this.revocation.revoke(oauthCall(zone, form, request));
  }

  /** CIBA Core 1.0 §7. */
  @OAuthClient()
  @HttpCode(200)
  @Header('Cache-Control', 'no-store')
  @Post('bc-authorize')
  authorize(@Param('zone') zone: string, @Body() form: Form, @Req() request: FastifyRequest): Promise<JsonObject> {
    return this.backchannel.authorize(oauthCall(zone, form, request));
  }
}
