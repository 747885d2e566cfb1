import { Module } from '@nestjs/common';
import { AdminPoliciesController } from './http/admin-policies.controller.js';
import { AdminPolicyQuestionsController } from './http/admin-policy-questions.controller.js';
import { AdminPolicySetsController } from './http/admin-policy-sets.controller.js';
import { AdminRehearsalsController } from './http/admin-rehearsals.controller.js';
import { PolicyTemplatesController } from './http/policy-templates.controller.js';
import { RehearsalJobs } from './jobs/rehearsal-jobs.js';
import { PolicyAuthoring } from './policy-authoring.js';
import { PolicyQueries } from './persistence/policy-queries.js';
import { PolicySets } from './policy-sets.js';
import { ChosenSets } from './questions/chosen-sets.js';
import { PolicyQuestions } from './questions/policy-questions.js';
import { WhoCanQuestion } from './questions/who-can.js';
import { Rehearsals } from './rehearsals.js';

@Module({
  controllers: [
    AdminPoliciesController,
    AdminPolicySetsController,
    AdminPolicyQuestionsController,
    AdminRehearsalsController,
    PolicyTemplatesController,
  ],
  providers: [
    PolicySets,
    PolicyAuthoring,
    PolicyQueries,
    ChosenSets,
    PolicyQuestions,
    WhoCanQuestion,
    Rehearsals,
    RehearsalJobs,
  ],
  exports: [PolicySets, PolicyAuthoring],
})
export class PolicyModule {}
