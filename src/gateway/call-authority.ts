import { Inject, Injectable } from '@nestjs/common';
import type { IncomingMessage } from 'node:http';
import type { OnceClaim } from '../audit/index.js';
import { presentedToken, TokenError, TokenVerifier, type TokenClaims, type VerifiedToken } from '../auth/index.js';
import { type Approval, Catalogue, Holds, type ResourceView, type ZoneView } from '../control/index.js';
import { RuntimeState } from '../coordinator/index.js';
import { CLOCK, type Clock } from '../kernel/clock.js';
import {
  type ApprovedRules,
  type Decision,
  type DecisionFacts,
  type Lineage,
  LineageError,
  PolicySets,
  traceLineage,
} from '../policy/index.js';
import { decisionFacts, requestersOf, type Requesters } from '../sts/index.js';
import { callBudgets } from './budgets/call-budgets.js';
import { type CountedDetail, judgeDetails } from './domain/detail-coverage.js';
import { edgesPermit } from './domain/limits/edge-operations.js';
import { type GatewayCode, GatewayError } from './domain/gateway-error.js';
import { HeldCall } from './domain/held-call.js';
import type { PresentedMandate } from './http/mandate-proof.js';

const LONGEST_MANDATE = 8_192;

/** What is about to be done, by whom, with what. */
export interface CallQuestion {
  readonly zone: ZoneView;
  readonly resource: ResourceView;
  readonly token: VerifiedToken;
  readonly operation: NonNullable<DecisionFacts['operation']>;
  /** Every scope the operation needs; undefined when any held scope will do. */
  readonly scopes: ReadonlySet<string> | undefined;
  readonly address: string;
  /** What people have set aside for this very call. */
  readonly approved?: ApprovedRules | undefined;
}

export type AskedOperation = Pick<DecisionQuestion, 'operation' | 'scopes'>;

export interface Judgement {
  readonly decision: Decision;
  /** What the call spends with its entry. */
  readonly budgets: readonly OnceClaim[];
  readonly lineageEnd: number | undefined;
  /** Through whom the authority came. */
  readonly requesters: Requesters;
}

/** What the decision reads; what is no operation of an upstream, a command of control, has none. */
export type DecisionQuestion = Omit<CallQuestion, 'operation'> & Partial<Pick<CallQuestion, 'operation'>>;

/** A call that may be made now. */
export interface Permission {
  /** Until when, in milliseconds, unless it is confirmed again. */
  readonly endsAt: number;
  readonly policy: Extract<Decision, { outcome: 'allow' }>['policy'];
  /** What it spends with its entry, of delegations, sessions and the mandate's details. */
  readonly budgets: readonly OnceClaim[];
  /** The approval that makes it possible, and that it uses up. */
  readonly approval?: Approval | undefined;
}

/** Judges the authority of a call: the mandate, whether what it stands for still lives, and the one decision. */
@Injectable()
export class CallAuthority {
  constructor(
    private readonly verifier: TokenVerifier,
    private readonly runtime: RuntimeState,
    private readonly policies: PolicySets,
    private readonly catalogue: Catalogue,
    private readonly holds: Holds,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** The mandate that the request presents for this resource (RFC 9068 §4). Refuses with `invalid_token`. */
  async verify(zone: string, resource: ResourceView, request: IncomingMessage): Promise<PresentedMandate> {
    const presented = presentedToken(request.rawHeaders, LONGEST_MANDATE);
    if (presented.kind === 'none')
      throw new GatewayError('invalid_token', { detail: 'no token', reasons: ['no_token'] });
    if (presented.kind === 'unusable') throw new GatewayError('invalid_token', { detail: presented.reason });
    const { scheme } = presented;
    const dpop = scheme === 'dpop' ? 'invalid_token' : undefined;
    const token = await this.verifier
      .verify(presented.token, { zone, classes: ['mandate'], audience: resource.gatewayUrl })
      .catch((error: unknown) => {
        throw error instanceof TokenError
          ? new GatewayError('invalid_token', { dpop, detail: error.message, cause: error })
          : error;
      });
    return { token, scheme };
  }

  /** Refuses with `revoked` unless everything the mandate stands for is active. */
  async requireActive(zone: string, claims: TokenClaims): Promise<void> {
    const verdict = await this.runtime.verdict(zone, claims, this.clock.now());
    if (verdict !== 'active') throw new GatewayError('revoked', { detail: verdict, reasons: [verdict] });
  }

  /** The decision of exchange and control, asked about this call. Whatever does not permit refuses; a hold with a {@link HeldCall}. */
  async decide(question: DecisionQuestion, now: number): Promise<Permission> {
    const { decision, lineageEnd, requesters, budgets } = (await this.judge(question, now))(question);
    if (decision.outcome === 'hold') throw new HeldCall(decision, requesters);
    if (decision.outcome !== 'allow') throw refusalOf(decision, question.scopes);
    const ends = [
      question.token.claims.exp * 1_000,
      decision.endsAt,
      lineageEnd,
      question.zone.application(question.token.claims.client_id)?.expiresAt,
    ];
    return { endsAt: Math.min(...ends.filter((end) => end !== undefined)), policy: decision.policy, budgets };
  }

  /**
   * Everything that the decision needs looked up once, for many operations of one caller. What a delegation or the mandate's details do not
   * cover is thrown.
   */
  async judge(question: DecisionQuestion, now: number): Promise<(operation: AskedOperation) => Judgement> {
    const { zone, resource, token } = question;
    await this.policies.ready(zone.slug);
    const lineage = await this.lineage(zone.slug, token.claims, now);
    const { sub, sub_type } = token.claims;
    const parties = {
      application: token.claims.client_id,
      lineage,
      user: sub_type === 'user' ? sub : undefined,
      parents: [token.claims],
      address: question.address,
      now,
      approval: question.approved ?? (await this.approvedBefore(question)),
    };
    const facts = decisionFacts(parties, zone);
    const edges = lineage?.edges ?? [];
    return (asked) => {
      requireDelegated(edges, asked);
      const { operation, scopes } = asked;
      const question = { targets: [resource], scope: scopes };
      const decision = this.policies.decide(
        zone.slug,
        question,
        operation === undefined ? facts : { ...facts, operation },
      );
      const isOpen = decision.outcome === 'allow' || decision.outcome === 'hold';
      const details = isOpen ? requireDetails(resource, token, asked, now) : [];
      const budgets = callBudgets({ claims: token.claims, details, edges, sessions: lineage?.sessions ?? [] });
      return { decision, lineageEnd: lineage?.endsAt, budgets, requesters: requestersOf(lineage) };
    };
  }

  /** What was approved before the mandate was released; its people did not see this call. */
  async approvedBefore({ zone, token }: Pick<DecisionQuestion, 'zone' | 'token'>): Promise<ApprovedRules | undefined> {
    const { apr, client_id } = token.claims;
    const approval = apr === undefined ? undefined : await this.holds.get(zone.slug, apr);
    if (approval?.status !== 'consumed' || approval.application !== client_id) return undefined;
    return { rules: approval.requirements.map((required) => required.rule), operation: false };
  }

  /** Everything above once more, for a call that is already under way: until when it may go on, or why it may not. */
  async confirm(question: CallQuestion): Promise<{ readonly endsAt: number } | { readonly lost: GatewayCode }> {
    try {
      const now = this.clock.now();
      const { resource, token } = question;
      const zone = await this.catalogue.zone(question.zone.slug);
      const current = zone && zone.status !== 'archived' ? zone.resource(resource.id) : undefined;
      if (!zone || current?.status !== 'active') return { lost: 'revoked' };
      if (!(await this.verifier.isKeyLive(zone.slug, token.kid))) return { lost: 'revoked' };
      await this.requireActive(zone.slug, token.claims);
      return await this.decide({ ...question, zone, resource: current }, now);
    } catch (error) {
      return { lost: error instanceof GatewayError ? error.code : 'view_stale' };
    }
  }

  /** Moves whenever authority in the zone may have ended. */
  revocationCount(zone: string): number {
    return this.runtime.revocationCount(zone);
  }

  private async lineage(
    zone: string,
    { sid, dlg, sub, sub_type }: TokenClaims,
    now: number,
  ): Promise<Lineage | undefined> {
    if (sid === undefined) return undefined;
    const source = {
      session: (id: string) => this.runtime.session(zone, id),
      delegation: (id: string) => this.runtime.delegation(zone, id),
    };
    const lineage = await traceLineage(source, { session: sid, delegation: dlg }, now).catch((error: unknown) => {
      throw error instanceof LineageError
        ? new GatewayError('revoked', { detail: error.fault, reasons: [error.fault] })
        : error;
    });
    // A user who was proved at the exchange is not the subject of the root that acts for them.
    const proved = sub_type === 'user' && lineage.root.subjectType === 'application';
    if (!proved && lineage.root.subject !== sub)
      throw new GatewayError('revoked', { detail: 'the work is another subject’s' });
    return lineage;
  }
}

/** The mandate's authorization details limit the call beyond its scope (RFC 9396 §2). */
function requireDetails(
  { identifier, gatewayUrl }: ResourceView,
  { claims }: VerifiedToken,
  { operation, scopes }: AskedOperation,
  now: number,
): readonly CountedDetail[] {
  const { method = '', path = '', mcpTool: tool } = operation ?? {};
  const call = { locations: [identifier, gatewayUrl], method, path, tool, scopes, now };
  const counted = judgeDetails(claims.authorization_details, call);
  if (counted) return counted;
  const detail = 'beyond the authorization details';
  throw new GatewayError('operation_not_permitted', { detail, reasons: ['authorization_details'] });
}

/** Refuses what a delegation on the way does not cover, whatever its scopes would allow. */
function requireDelegated(edges: Lineage['edges'], { operation, scopes }: AskedOperation): void {
  if (edges.length === 0) return;
  const call = operation && { ...operation, common: operation.mcpMethod !== undefined && scopes === undefined };
  if (!edgesPermit(edges, call))
    throw new GatewayError('operation_not_permitted', { detail: 'delegation', reasons: ['delegation_operations'] });
}

function refusalOf(
  decision: Extract<Decision, { outcome: 'refused' | 'denied' }>,
  scopes: ReadonlySet<string> | undefined,
): GatewayError {
  const scope = scopes === undefined ? '' : [...scopes].join(' ');
  const { policy } = decision;
  switch (decision.outcome) {
    case 'refused':
      return new GatewayError('insufficient_scope', {
        scope,
        detail: decision.code,
        reasons: ['insufficient_scope'],
        policy,
      });
    case 'denied':
      return new GatewayError('access_denied', {
        reasons: decision.reasons,
        policy,
        members: { reasons: [...decision.reasons] },
      });
  }
}
