import { Controller, Get, Header, Query, Req, Res } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Public, summarize } from '../../platform/http/index.js';
import { PublicUrls } from '../../platform/urls/index.js';
import { ConnectFlow } from '../upstream/connect-flow.js';

/** Nothing that came with the request stands in the page. */
function page(title: string, text: string): string {
  return `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${title}</title><h1>${title}</h1><p>${text}</p></html>\n`;
}

const CONNECTED = page('Connected', 'The account is connected. You can close this window.');
const FAILED = page('Not connected', 'The account was not connected. Ask for a new link and try again.');

/** Where upstreams send the owners of accounts back to (RFC 6749 §4.1.2). */
@Controller('oauth2')
export class ConnectCallbackController {
  constructor(
    private readonly flow: ConnectFlow,
    private readonly urls: PublicUrls,
  ) {}

  @Public()
  @Header('Cache-Control', 'no-store')
  @Header('Referrer-Policy', 'no-referrer')
  @Header('Content-Security-Policy', "default-src 'none'; frame-ancestors 'none'")
  @Get('callback')
  async callback(
    @Query() query: Record<string, unknown>,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const { state, code, error, iss } = query;
    const outcome = await this.flow.complete(state, { code, error, iss }, this.urls);
    summarize(request, { code: outcome });
    const done = outcome === 'connected';
    await reply
      .code(done ? 200 : 400)
      .type('text/html; charset=utf-8')
      .send(done ? CONNECTED : FAILED);
  }
}
