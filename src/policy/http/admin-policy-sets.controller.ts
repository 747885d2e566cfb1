import { Body, Controller, Get, HttpCode, Param, Post, Query } from '@nestjs/common';
import { AppError } from '../../kernel/app-error.js';
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
import { PolicyAuthoring } from '../policy-authoring.js';
import { PolicyQueries } from '../persistence/policy-queries.js';
import { CreatePolicySetDto, RollbackDto } from './policy.dto.js';
import type { PolicyTestDto } from './question.dto.js';
import { policySetView, type PolicySetView } from './policy-views.js';

/** Policy sets of a zone: versions, of which at most one is active. */
@Controller('v1/zones/:z/policy-sets')
export class AdminPolicySetsController {
  constructor(
    private readonly authoring: PolicyAuthoring,
    private readonly queries: PolicyQueries,
  ) {}

  @Post()
  @AdminAccess('write')
  @Idempotent()
  async create(
    @Param('z') zone: string,
    @Body() body: CreatePolicySetDto,
    @Admin() actor: AdminPrincipal,
    @Facts() origin: RequestFacts,
  ): Promise<PolicySetView> {
    const tests = (body.tests ?? []).map((test) => structuredClone(test));
    requireExpectations(tests);
    return policySetView(await this.authoring.createSet({ actor, origin }, zone, { policies: body.policies, tests }));
  }

  @Get()
  @AdminAccess('read')
  async list(@Param('z') zone: string, @Query() query: Record<string, unknown>): Promise<ListAnswer<PolicySetView>> {
    const wanted = page(query);
    return listAnswer(await this.queries.sets(zone, wanted), wanted, (set) => String(set.version), policySetView);
  }

  @Get(':version')
  @AdminAccess('read')
  async get(@Param('z') zone: string, @Param('version') version: string): Promise<PolicySetView> {
    return policySetView(await this.queries.set(zone, versionOf(version)));
  }

  @Post(':version/activate')
  @HttpCode(200)
  @AdminAccess('write')
  async activate(
    @Param('z') zone: string,
    @Param('version') version: string,
    @Admin() actor: AdminPrincipal,
    @Facts() origin: RequestFacts,
  ): Promise<PolicySetView> {
    return policySetView(await this.authoring.activate({ actor, origin }, zone, versionOf(version)));
  }

  /** Answers with the set that is active now. */
  @Post(':version/rollback')
  @HttpCode(200)
  @AdminAccess('write')
  // eslint-disable-next-line caracal/max-params -- one decorated parameter per part of the request
  async rollback(
    @Param('z') zone: string,
    @Param('version') version: string,
    @Body() body: RollbackDto,
    @Admin() actor: AdminPrincipal,
    @Facts() origin: RequestFacts,
  ): Promise<PolicySetView> {
    return policySetView(
      await this.authoring.rollback({ actor, origin }, zone, { version: versionOf(version), reason: body.reason }),
    );
  }
}

/** A version that cannot be one is like one that does not exist. */
function versionOf(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new AppError('not_found', 'There is no such policy set.');
  return Number(text);
}

/** A case that expects nothing, or names nobody, would hold whatever the policies say. */
function requireExpectations(tests: readonly PolicyTestDto[]): void {
  const errors = tests.flatMap(({ decision, expect, request }, at) => [
    ...(decision === undefined && expect === undefined
      ? [{ field: `tests.${at}.decision`, message: 'must be allow, deny or hold' }]
      : []),
    ...(request.application === undefined && request.session === undefined
      ? [
          {
            field: `tests.${at}.request`,
            message: 'must name an application or a session, like {"application": "app_…"}',
          },
        ]
      : []),
  ]);
  if (errors.length > 0) throw new AppError('invalid_request', 'The request is not valid.', { errors });
}
