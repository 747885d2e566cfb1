import { Body, Controller, Get, HttpCode, Param, Post, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import type { JsonObject } from '../../kernel/json.js';
import { formatTime } from '../../kernel/times.js';
import { Idempotent, listAnswer, page, RuntimeAccess, type ListAnswer } from '../../platform/http/index.js';
import { parseAuthority } from '../domain/sessions/authority-request.js';
import { boundTo } from '../domain/sessions/bound-key.js';
import type { AskedStart } from '../domain/sessions/blueprint.js';
import { parseSubjectProof } from '../domain/sessions/subject-proof.js';
import { requireReach } from '../domain/sessions/reach.js';
import { Heartbeats } from '../sessions/heartbeats.js';
import { callerOf, type RuntimeCall } from '../sessions/runtime-call.js';
import { SessionLifecycle } from '../sessions/session-lifecycle.js';
import { SessionReader } from '../sessions/session-reader.js';
import { SessionStarter } from '../sessions/session-starter.js';
import { type IssuedToken, SessionTokens } from '../sessions/session-tokens.js';
import { sessionBody, treeBody } from './bodies.js';
import { HeartbeatDto, ReasonDto, SessionsQuery, StartSessionDto } from './dto/session.dto.js';
import { Caller } from './runtime-call.js';

/** Sessions, for applications and their agents. */
@Controller('z/:zone/sessions')
export class SessionsController {
  constructor(
    private readonly starter: SessionStarter,
    private readonly lifecycle: SessionLifecycle,
    private readonly tokens: SessionTokens,
    private readonly heartbeats: Heartbeats,
    private readonly reader: SessionReader,
  ) {}

  @Post()
  @RuntimeAccess()
  @Idempotent({ secretMembers: ['session_token'] })
  async start(
    @Caller() call: RuntimeCall,
    @Body() body: StartSessionDto,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<JsonObject> {
    const { session, limits, issued } = await this.starter.start(call, startRequest(body, call));
    void reply.header('location', `/z/${call.zone}/sessions/${session.id}`);
    return { ...sessionBody({ session, limits }), ...tokenBody(issued) };
  }

  @Get()
  @RuntimeAccess()
  async list(@Caller() call: RuntimeCall, @Query() query: SessionsQuery): Promise<ListAnswer<JsonObject>> {
    const slice = page({ ...query });
    const { parent, label, status } = query;
    const within = await this.within(call);
    const rows = await this.reader.list(
      call.zone,
      { application: call.claims.client_id, parent, label, status, within },
      slice,
    );
    return listAnswer(rows, slice, (row) => row.session.id, sessionBody);
  }

  @Get(':id')
  @RuntimeAccess()
  async get(@Caller() call: RuntimeCall, @Param('id') id: string): Promise<JsonObject> {
    const shown = await this.reader.get(call.zone, id);
    requireReach(callerOf(call), shown.session, 'read');
    return sessionBody(shown);
  }

  @Get(':id/tree')
  @RuntimeAccess()
  async tree(@Caller() call: RuntimeCall, @Param('id') id: string): Promise<JsonObject> {
    requireReach(callerOf(call), (await this.reader.get(call.zone, id)).session, 'read');
    return treeBody(await this.reader.tree(call.zone, id));
  }

  @Post(':id/token')
  @HttpCode(200)
  @RuntimeAccess()
  async refresh(@Caller() call: RuntimeCall, @Param('id') id: string): Promise<JsonObject> {
    return tokenBody(await this.tokens.refresh(call, id));
  }

  @Post(':id/heartbeat')
  @HttpCode(200)
  @RuntimeAccess()
  async heartbeat(
    @Caller() call: RuntimeCall,
    @Param('id') id: string,
    @Body() { generation }: HeartbeatDto,
  ): Promise<JsonObject> {
    const lease = await this.heartbeats.renew(call, id, generation);
    return { generation: lease.generation, lease_expires_at: formatTime(lease.leaseExpiresAt) };
  }

  @Post(':id/suspend')
  @HttpCode(200)
  @RuntimeAccess()
  async suspend(
    @Caller() call: RuntimeCall,
    @Param('id') id: string,
    @Body() { reason }: ReasonDto,
  ): Promise<JsonObject> {
    await this.lifecycle.suspend(call, id, reason);
    return sessionBody(await this.reader.get(call.zone, id));
  }

  @Post(':id/resume')
  @HttpCode(200)
  @RuntimeAccess()
  async resume(@Caller() call: RuntimeCall, @Param('id') id: string, @Body() _body: ReasonDto): Promise<JsonObject> {
    await this.lifecycle.resume(call, id);
    return sessionBody(await this.reader.get(call.zone, id));
  }

  @Post(':id/terminate')
  @HttpCode(200)
  @RuntimeAccess()
  async terminate(
    @Caller() call: RuntimeCall,
    @Param('id') id: string,
    @Body() { reason }: ReasonDto,
  ): Promise<JsonObject> {
    await this.lifecycle.terminate(call, id, reason);
    return sessionBody(await this.reader.get(call.zone, id));
  }

  /** A session sees its own subtree, an application everything of its own. */
  private async within({ zone, claims }: RuntimeCall): Promise<readonly string[] | undefined> {
    return claims.sid === undefined ? undefined : (await this.reader.get(zone, claims.sid)).session.path;
  }
}

function startRequest(body: StartSessionDto, { provenKey }: RuntimeCall): AskedStart {
  return {
    lifecycle: body.lifecycle,
    ttlSeconds: body.ttl_seconds,
    leaseSeconds: body.lease_seconds,
    labels: body.labels,
    metadata: body.metadata === undefined ? {} : structuredClone(body.metadata),
    parent: body.parent,
    sponsor: body.sponsor,
    maxCalls: body.max_calls,
    authority: parseAuthority(body.authority) ?? 'inherit',
    subject: parseSubjectProof(body.subject),
    // A proof binds what is obtained with it, unless the session is for the holder of another key (RFC 9449 §5).
    cnf: body.jwk === undefined ? confirmation(provenKey) : boundTo(body.jwk),
  };
}

function confirmation(jkt: string | undefined): JsonObject | undefined {
  return jkt === undefined ? undefined : { jkt };
}

function tokenBody({ token, expiresIn }: IssuedToken): JsonObject {
  return { session_token: token, expires_in: expiresIn };
}
