import { Controller, Get, Header, Param, Res, StreamableFile } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { LogReader } from '../../../audit/index.js';
import { AppError } from '../../../kernel/app-error.js';
import { Public } from '../../../platform/http/index.js';
import { Catalogue } from '../../catalogue/catalogue.js';

/** The log of a zone that has opted in, for anyone: checkpoints and hash tiles, never entries (C2SP tlog-tiles). */
@Controller('log/:zone')
export class PublicLogController {
  constructor(
    private readonly log: LogReader,
    private readonly catalogue: Catalogue,
  ) {}

  @Public()
  @Get('checkpoint')
  @Header('content-type', 'text/plain; charset=utf-8')
  @Header('cache-control', 'no-cache')
  async checkpoint(@Param('zone') zone: string): Promise<string> {
    await this.assertOpen(zone);
    return (await this.log.head(zone)).note;
  }

  /** `<L>/<N>[.p/<W>]`. A tile never changes while its log lasts; a log that ended over a rollback gives its place to the next. */
  @Public()
  @Get('tile/*')
  async tile(
    @Param('zone') zone: string,
    @Param('*') path: string,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<StreamableFile> {
    await this.assertOpen(zone);
    const hashes = await this.log.tile(zone, path);
    if (!hashes) throw notThere();
    void reply.header('cache-control', 'public, max-age=3600');
    return new StreamableFile(hashes, { type: 'application/octet-stream', length: hashes.length });
  }

  private async assertOpen(zone: string): Promise<void> {
    const view = await this.catalogue.zone(zone);
    if (view?.settings.public_log !== true) throw notThere();
  }
}

function notThere(): AppError {
  return new AppError('not_found', 'There is nothing here.');
}
