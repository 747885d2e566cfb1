import { Body, Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { Admin, type AdminPrincipal } from '../../auth/index.js';
import {
  AdminAccess,
  Facts,
  Idempotent,
  listAnswer,
  page,
  type ListAnswer,
  type RequestFacts,
} from '../../platform/http/index.js';
import type { PolicyFault } from '../cedar/policy-text.js';
import { PolicyAuthoring } from '../policy-authoring.js';
import { PolicyQueries } from '../persistence/policy-queries.js';
import { CreatePolicyDto, ValidatePolicyDto } from './policy.dto.js';
import { policyView, type PolicyView } from './policy-views.js';

/** Policy texts of a zone: they are kept in versions and never change. */
@Controller('v1/zones/:z')
export class AdminPoliciesController {
  constructor(
    private readonly authoring: PolicyAuthoring,
    private readonly queries: PolicyQueries,
  ) {}

  @Post('policies')
  @AdminAccess('write')
  @Idempotent()
  async create(
    @Param('z') zone: string,
    @Body() body: CreatePolicyDto,
    @Admin() actor: AdminPrincipal,
    @Facts() origin: RequestFacts,
  ): Promise<PolicyView> {
    return policyView(
      await this.authoring.createPolicy({ actor, origin }, zone, { name: body.name, cedar: body.cedar }),
    );
  }

  @Get('policies')
  @AdminAccess('read')
  async list(@Param('z') zone: string, @Query() query: Record<string, unknown>): Promise<ListAnswer<PolicyView>> {
    const wanted = page(query);
    return listAnswer(await this.queries.policies(zone, wanted), wanted, (policy) => policy.id, policyView);
  }

  @Get('policies/:id')
  @AdminAccess('read')
  async get(@Param('z') zone: string, @Param('id') id: string): Promise<PolicyView> {
    return policyView(await this.queries.policy(zone, id));
  }

  @Post('policy/validate')
  @HttpCode(200)
  @AdminAccess('read')
  async validate(
    @Param('z') zone: string,
    @Body() body: ValidatePolicyDto,
  ): Promise<{ valid: boolean; errors: readonly PolicyFault[] }> {
    const errors = await this.authoring.validate(zone, body.cedar);
    return { valid: errors.length === 0, errors };
  }
}
