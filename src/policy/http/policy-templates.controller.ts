import { Controller, Get } from '@nestjs/common';
import { AdminAccess } from '../../platform/http/index.js';
import { POLICY_TEMPLATES, type PolicyTemplate } from '../domain/policy-templates.js';

/** Sets to begin with. */
@Controller('v1/policy-templates')
export class PolicyTemplatesController {
  @Get()
  @AdminAccess('read')
  list(): { readonly items: readonly PolicyTemplate[] } {
    return { items: POLICY_TEMPLATES };
  }
}
