import { Body, Controller, Get, HttpCode, Param, Post, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { AppError } from '../../kernel/app-error.js';
import type { JsonObject } from '../../kernel/json.js';
import { Idempotent, listAnswer, page, RuntimeAccess, type ListAnswer } from '../../platform/http/index.js';
import type { Invocation } from '../domain/invocations/invocation.js';
import { Assignments } from '../invocations/assignments.js';
import { InvocationReader } from '../invocations/invocation-reader.js';
import { type Act, Invocations } from '../invocations/invocations.js';
import { callerOf, type RuntimeCall } from '../sessions/runtime-call.js';
import {
  CompleteInvocationDto,
  CreateInvocationDto,
  EventsQuery,
  FailInvocationDto,
  InvocationsQuery,
  ProgressDto,
} from './dto/invocation.dto.js';
import { ReasonDto } from './dto/session.dto.js';
import { eventBody, invocationBody } from './invocation-bodies.js';
import { Caller } from './runtime-call.js';

/** Work between sessions: the source hands it out, the target does it. */
@Controller('z/:zone/invocations')
export class InvocationsController {
  constructor(
    private readonly invocations: Invocations,
    private readonly reader: InvocationReader,
    private readonly assignments: Assignments,
  ) {}

  @Post()
  @RuntimeAccess()
  @Idempotent()
  async create(
    @Caller() call: RuntimeCall,
    @Body() body: CreateInvocationDto,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<JsonObject> {
    const invocation = await this.invocations.create(call, {
      target: body.target,
      deadlineSeconds: body.deadline_seconds,
      maxAttempts: body.max_attempts,
      backoffSeconds: body.backoff_seconds,
      inputDigest: body.input_digest,
      input: body.input,
    });
    void reply.header('location', `/z/${call.zone}/invocations/${invocation.id}`);
    return invocationBody(invocation);
  }

  /** With `assigned=true` what the caller may begin now, and with `wait` as soon as there is something. */
  @Get()
  @RuntimeAccess()
  async list(
    @Caller() call: RuntimeCall,
    @Query() query: InvocationsQuery,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ListAnswer<JsonObject>> {
    const slice = page({ ...query });
    requireSense(query);
    const { status, source, target } = query;
    const rows =
      query.assigned === 'true'
        ? await this.assignments.of(call, { ...slice, waitMs: Number(query.wait ?? 0) * 1000, gone: goneOf(reply) })
        : await this.reader.list(call.zone, { party: callerOf(call), status, source, target }, slice);
    return listAnswer(rows, slice, (row) => row.id, invocationBody);
  }

  @Get(':id')
  @RuntimeAccess()
  async get(@Caller() call: RuntimeCall, @Param('id') id: string): Promise<JsonObject> {
    return invocationBody(await this.reader.get(call, id));
  }

  @Get(':id/events')
  @RuntimeAccess()
  async events(
    @Caller() call: RuntimeCall,
    @Param('id') id: string,
    @Query() query: EventsQuery,
  ): Promise<ListAnswer<JsonObject>> {
    const slice = page({ ...query });
    return listAnswer(await this.reader.events(call, id, slice), slice, (event) => String(event.seq), eventBody);
  }

  @Post(':id/start')
  @HttpCode(200)
  @RuntimeAccess()
  start(@Caller() call: RuntimeCall, @Param('id') id: string, @Body() _body: ReasonDto): Promise<JsonObject> {
    return this.act(call, id, { kind: 'start' });
  }

  @Post(':id/progress')
  @HttpCode(200)
  @RuntimeAccess()
  progress(@Caller() call: RuntimeCall, @Param('id') id: string, @Body() body: ProgressDto): Promise<JsonObject> {
    return this.act(call, id, { kind: 'progress', note: body.note, percent: body.percent });
  }

  @Post(':id/complete')
  @HttpCode(200)
  @RuntimeAccess()
  complete(
    @Caller() call: RuntimeCall,
    @Param('id') id: string,
    @Body() body: CompleteInvocationDto,
  ): Promise<JsonObject> {
    return this.act(call, id, { kind: 'complete', digest: body.result_digest, result: body.result });
  }

  @Post(':id/fail')
  @HttpCode(200)
  @RuntimeAccess()
  fail(@Caller() call: RuntimeCall, @Param('id') id: string, @Body() body: FailInvocationDto): Promise<JsonObject> {
    return this.act(call, id, { kind: 'fail', reason: body.reason });
  }

  @Post(':id/cancel')
  @HttpCode(200)
  @RuntimeAccess()
  cancel(@Caller() call: RuntimeCall, @Param('id') id: string, @Body() body: ReasonDto): Promise<JsonObject> {
    return this.act(call, id, { kind: 'cancel', reason: body.reason ?? 'requested' });
  }

  @Post(':id/retry')
  @HttpCode(200)
  @RuntimeAccess()
  retry(@Caller() call: RuntimeCall, @Param('id') id: string, @Body() _body: ReasonDto): Promise<JsonObject> {
    return this.act(call, id, { kind: 'retry' });
  }

  private async act(call: RuntimeCall, id: string, act: Act): Promise<JsonObject> {
    const moved: Invocation = await this.invocations.act(call, id, act);
    return invocationBody(moved);
  }
}

function requireSense({ assigned, wait, ...rest }: InvocationsQuery): void {
  const filters = (['status', 'source', 'target'] as const).filter((name) => rest[name] !== undefined);
  const fields = assigned === 'true' ? filters : wait === undefined ? [] : ['wait'];
  if (fields.length === 0) return;
  const message = assigned === 'true' ? 'cannot be combined with assigned' : 'needs assigned=true';
  throw new AppError('invalid_request', 'The query is not valid.', {
    errors: fields.map((field) => ({ field, message })),
  });
}

/** Aborts when the connection is closed before the answer. */
function goneOf(reply: FastifyReply): AbortSignal {
  const gone = new AbortController();
  reply.raw.once('close', () => gone.abort());
  return gone.signal;
}
