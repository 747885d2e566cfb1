import { Controller, Get, Header, Inject } from '@nestjs/common';
import { AppError } from '../../../kernel/app-error.js';
import type { JsonObject } from '../../../kernel/json.js';
import { APP_CONFIG, type AppConfig } from '../../config/index.js';
import { Public } from '../access/declarations.js';
import { docsPage } from './docs-page.js';
import { OpenApiDocument } from './openapi-document.js';

/** The description of the API, for machines and, outside production, for people. */
@Controller()
export class OpenApiController {
  constructor(
    private readonly description: OpenApiDocument,
    @Inject(APP_CONFIG) private readonly config: AppConfig,
  ) {}

  @Public()
  @Get('openapi.json')
  document(): JsonObject {
    return this.description.document();
  }

  @Public()
  @Get('docs')
  @Header('Content-Type', 'text/html; charset=utf-8')
  docs(): string {
    if (this.config.production) throw new AppError('not_found', 'There is nothing here.');
    return docsPage(this.description.document());
  }
}
