import { Body, Controller, HttpCode, Param, Post } from '@nestjs/common';
import { AdminAccess } from '../../platform/http/index.js';
import { type Explanation, PolicyQuestions, type Simulation } from '../questions/policy-questions.js';
import { type WhoCan, WhoCanQuestion } from '../questions/who-can.js';
import { ExplainDto, SimulateDto, WhoCanDto } from './question.dto.js';

/** Questions about policies and what they decide. They change nothing. */
@Controller('v1/zones/:z/policy')
export class AdminPolicyQuestionsController {
  constructor(
    private readonly questions: PolicyQuestions,
    private readonly whoCan: WhoCanQuestion,
  ) {}

  @Post('simulate')
  @HttpCode(200)
  @AdminAccess('read')
  simulate(@Param('z') zone: string, @Body() { cedar, version, request }: SimulateDto): Promise<Simulation> {
    return this.questions.simulate(zone, { cedar, version }, request);
  }

  @Post('explain')
  @HttpCode(200)
  @AdminAccess('read')
  explain(@Param('z') zone: string, @Body() { index }: ExplainDto): Promise<Explanation> {
    return this.questions.explain(zone, index);
  }

  @Post('who-can')
  @HttpCode(200)
  @AdminAccess('read')
  async enumerate(
    @Param('z') zone: string,
    @Body() { resource, scope }: WhoCanDto,
  ): Promise<{ readonly items: readonly WhoCan[] }> {
    return { items: await this.whoCan.ask(zone, { resource, scope }) };
  }
}
