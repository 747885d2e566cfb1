import type { IncomingMessage } from 'node:http';
import { Injectable } from '@nestjs/common';
import type { TokenClaims } from '../../auth/index.js';
import type { ResourceView, ZoneView } from '../../control/index.js';
import type { Permitted, PermitRequest } from '../approvals/call-approvals.js';
import type { Binding } from '../bindings.js';
import { CallAuthority, type CallQuestion, type Permission } from '../call-authority.js';
import { CallLedger, toRefusal } from '../call-ledger.js';
import type { CallNotes } from '../call-notes.js';
import type { GatewayError } from '../domain/gateway-error.js';
import type { CallOperation } from '../operation-matching.js';
import { answerPlan } from './answer-plan.js';
import { type AskedCall, type BatchVerdict, forwardedBatch, judgeBatch } from './batch-calls.js';
import { type BatchEntries, recordBatch } from './batch-entries.js';
import type { AnswerPlan } from './mcp-answer.js';
import { McpSessions } from './mcp-sessions.js';
import { visibleTo } from './visible-to.js';

/** What was decided on a call; on a batch, on each of its messages, the first allowed one standing for the call. */
export interface Decided {
  readonly question: CallQuestion;
  readonly permission: Permission;
  /** How a single call was asked for, to ask again. */
  readonly request?: PermitRequest | undefined;
  /** The body, when it had to be read to decide. */
  readonly body?: Buffer | undefined;
  readonly batch?: BatchVerdict | undefined;
}

/** How a call is decided: by itself it may wait for people, in a batch it may not. */
export interface Deciding {
  readonly now: number;
  readonly permit: (question: CallQuestion) => Promise<Permitted>;
}

/** A call that may be made, as far as MCP is concerned. */
export interface DecidedCall extends Decided {
  readonly binding: Binding;
  readonly operation: CallOperation;
  /** The session of the server that the call goes on with. */
  readonly mcpSession?: string | undefined;
}

/** What is different about a call to an MCP server; for any other upstream each step is the plain one. */
@Injectable()
export class McpCalls {
  constructor(
    private readonly authority: CallAuthority,
    private readonly ledger: CallLedger,
    private readonly sessions: McpSessions,
  ) {}

  async requireSession(
    zone: ZoneView,
    resource: ResourceView,
    claims: TokenClaims,
    { rawHeaders }: IncomingMessage,
  ): Promise<string | undefined> {
    if (!resource.mcp) return undefined;
    return this.sessions.require({ zone: zone.slug, resource: resource.id }, claims, rawHeaders);
  }

  async decide(
    operation: CallOperation,
    ask: (operation: AskedCall) => CallQuestion,
    { now, permit }: Deciding,
  ): Promise<Decided> {
    if (!operation.batch) return permit(ask(operation));
    const batch = await judgeBatch(operation.batch, ask, (question) => this.authority.decide(question, now));
    const { question, permission } = batch.allowed[0];
    const endsAt = Math.min(...batch.allowed.map((one) => one.permission.endsAt));
    return { question, permission: { ...permission, endsAt }, batch };
  }

  /** Everything that the call was permitted for, once more. */
  async confirm({ question, batch }: Decided): ReturnType<CallAuthority['confirm']> {
    let endsAt = Number.POSITIVE_INFINITY;
    for (const asked of batch?.allowed.map((one) => one.question) ?? [question]) {
      const verdict = await this.authority.confirm(asked);
      if ('lost' in verdict) return verdict;
      endsAt = Math.min(endsAt, verdict.endsAt);
    }
    return { endsAt };
  }

  /** The entries of a batch besides the first; an error when nothing may leave because they are not there. */
  async record(notes: CallNotes, { question, batch }: Decided): Promise<BatchEntries | GatewayError | undefined> {
    return batch && recordBatch(this.ledger, notes, question.operation, batch).catch(toRefusal);
  }

  /** What is sent, when it was read to decide. */
  bodyOf({ operation, batch, body = operation.body }: DecidedCall): Buffer | undefined {
    return batch && body ? forwardedBatch(body, batch) : body;
  }

  /** How the answer is treated. */
  async answerPlan(call: DecidedCall, entries: BatchEntries | undefined, now: number): Promise<AnswerPlan | undefined> {
    const { binding, question, operation, batch, mcpSession } = call;
    if (!binding.resource.mcp) return undefined;
    const visible = operation.lists ? await visibleTo(this.authority, question, binding, now) : undefined;
    const place = { zone: question.zone.slug, resource: question.resource.id };
    const bindSession = async (id: string): Promise<void> => {
      if (id !== mcpSession) await this.sessions.bind(place, question.token.claims, id);
    };
    return answerPlan({ visible, bindSession, batch, receiptOf: entries?.receiptOf });
  }
}
