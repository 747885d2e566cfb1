import { Controller, Get, Query } from '@nestjs/common';
import { AdminAccess, foreignCursor, listAnswer, page, type ListAnswer } from '../../platform/http/index.js';
import { POLICY_TEMPLATES, type PolicyTemplate } from '../domain/policy-templates.js';

/** Sets to begin with. */
@Controller('v1/policy-templates')
export class PolicyTemplatesController {
  @Get()
  @AdminAccess('read')
  list(@Query() query: Record<string, unknown>): ListAnswer<PolicyTemplate> {
    const wanted = page(query);
    const after = POLICY_TEMPLATES.findIndex((template) => template.name === wanted.cursor) + 1;
    if (wanted.cursor !== undefined && after === 0) throw foreignCursor();
    return listAnswer(
      POLICY_TEMPLATES.slice(after, after + wanted.limit + 1),
      wanted,
      (template) => template.name,
      (template) => template,
    );
  }
}
