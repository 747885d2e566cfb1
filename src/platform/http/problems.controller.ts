import { Controller, Get, Param } from '@nestjs/common';
import { AppError, PROBLEM_CODES, problemStatus } from '../../kernel/app-error.js';
import type { JsonObject } from '../../kernel/json.js';
import { Public } from './access/declarations.js';
import { problemTitle } from './errors/problem.js';

/** The published registry that the `type` of every problem document points into (RFC 9457 §3.1.1). */
@Controller('problems')
export class ProblemsController {
  @Public()
  @Get(':code')
  problem(@Param('code') asked: string): JsonObject {
    const code = PROBLEM_CODES.find((known) => known === asked);
    if (!code) throw new AppError('not_found', 'There is no such problem type.');
    return { code, title: problemTitle(code), status: problemStatus(code) };
  }
}
