import { Module } from '@nestjs/common';
import { AdminPoliciesController } from './http/admin-policies.controller.js';
import { AdminPolicySetsController } from './http/admin-policy-sets.controller.js';
import { PolicyAuthoring } from './policy-authoring.js';
import { PolicyQueries } from './persistence/policy-queries.js';
import { PolicySets } from './policy-sets.js';

@Module({
  controllers: [AdminPoliciesController, AdminPolicySetsController],
  providers: [PolicySets, PolicyAuthoring, PolicyQueries],
  exports: [PolicySets],
})
export class PolicyModule {}
