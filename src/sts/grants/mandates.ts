import { hash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { canonicalize } from '../../kernel/canonical-json.js';
import type { JsonObject } from '../../kernel/json.js';
import { OAuthError } from '../../kernel/oauth-error.js';
import type { ScopeSet } from '../../kernel/scopes.js';
import { epochSeconds } from '../../kernel/times.js';
import { boundKey, type FederatedUser, type TokenClaims } from '../../auth/index.js';
import { type Approval, ApprovalUse, ApprovalUseError, type HeldWork, type ResourceView } from '../../control/index.js';
import { type Decision, type DecisionFacts, type Lineage, PolicySets } from '../../policy/index.js';
import { MandateApprovals, type MandateHold, pending } from '../approvals/mandate-approvals.js';
import { decisionFacts, subjectOf } from '../domain/decision-facts.js';
import { heldWork, requestersOf } from '../domain/held-work.js';
import { mandateClaims, tokenType } from '../domain/mandate-claims.js';
import { detailsEnd, grantDetails } from '../domain/requested-details.js';
import { decisionReasons, decisionRefusal } from '../domain/refusals.js';
import { audienceOf, requireGateway, resolveTargets } from '../domain/targets.js';
import type { Notes } from '../entry-notes.js';
import type { TokenRequest } from './grant.js';
import { Issuance } from './issuance.js';
import { TokenBases } from './token-bases.js';

/** What a mandate is asked for and with. */
export interface MandateRequest {
  readonly resources: readonly string[];
  readonly audiences: readonly string[];
  readonly scope?: ScopeSet | undefined;
  readonly details?: readonly JsonObject[] | undefined;
  readonly lifetime?: number | undefined;
  /** The hold that the same request raised before. */
  readonly approval?: string | undefined;
  /** How authority came to the session that acts; undefined for an application without a session. */
  readonly lineage?: Lineage | undefined;
  /** The user whom an id_token proved. */
  readonly user?: FederatedUser | undefined;
  /** The claims of the tokens of ours that were presented, the subject's first. */
  readonly parents: readonly TokenClaims[];
}

type Allowed = Extract<Decision, { outcome: 'allow' }>;
type Refused = Exclude<Decision, { outcome: 'allow' }>;

/** A request with what it was found to be about. */
interface Question {
  readonly request: TokenRequest;
  readonly asked: MandateRequest;
  readonly targets: readonly ResourceView[];
  /** A mandate for the control resource is a class of its own: used once, and accepted by control invoke alone. */
  readonly klass: 'mandate' | 'control';
  /** The authorization details that may be had. */
  readonly details?: readonly JsonObject[] | undefined;
}

/** What is decided on a request now, and the hold that would ask people about these scopes of it. */
export interface Considered {
  readonly decision: Decision;
  readonly hold: (scopes: ScopeSet) => MandateHold;
}

/** From verified facts to a mandate: resolve targets, narrow and decide, record, sign, answer. */
@Injectable()
export class Mandates {
  constructor(
    private readonly policies: PolicySets,
    private readonly bases: TokenBases,
    private readonly issuance: Issuance,
    private readonly approvals: MandateApprovals,
    private readonly use: ApprovalUse,
  ) {}

  async grant(request: TokenRequest, asked: MandateRequest): Promise<JsonObject> {
    const question = await this.question(request, asked);
    const decision = this.decide(question);
    if (asked.approval !== undefined) return this.approved(question, decision, asked.approval);
    if (decision.outcome === 'hold') throw await this.held(question, decision);
    return this.issue(question, requireAllowed(question, decision));
  }

  /** Decides without issuing anything: for a client that asks a person first. */
  async consider(request: TokenRequest, asked: MandateRequest): Promise<Considered> {
    const question = await this.question(request, asked);
    const decision = this.decide(question);
    return { decision, hold: (scopes) => holdOf(question, decision, scopes) };
  }

  /** The refusal of a request that waits for people, with the hold that it raised or found. */
  private async held(question: Question, decision: Extract<Decision, { outcome: 'hold' }>): Promise<OAuthError> {
    const { notes } = question.request;
    const { policy, scopes } = decision;
    notes.add({ policy, reasons: decisionReasons(decision), scopes: [...scopes].sort() });
    const approval = await this.approvals.raise(question.request, holdOf(question, decision, scopes));
    notes.add({ approval: approval.id });
    return pending(approval);
  }

  /** Decides again with what people have approved. Whoever comes late gets what it released, as long as that is kept. */
  private async approved(question: Question, decision: Decision, id: string): Promise<JsonObject> {
    if (decision.outcome === 'refused') throw refusal(question, decision);
    const { request, asked } = question;
    const work = workOf(question, decision, asked.scope ?? []);
    const approval = await this.approvals.presented(request, id, work);
    if (approval.status === 'consumed') return this.redeliver(question, approval);
    const rules = { rules: approval.requirements.map((required) => required.rule), operation: false };
    const allowed = requireAllowed(question, this.decide(question, rules));
    try {
      return await this.issue(question, allowed, approval);
    } catch (error) {
      if (!(error instanceof ApprovalUseError)) throw error;
      return this.redeliver(question, await this.approvals.presented(request, id, work));
    }
  }

  private async issue(question: Question, allowed: Allowed, approval?: Approval): Promise<JsonObject> {
    const { request, klass } = question;
    const claims = await this.claims(question, allowed, approval?.id);
    const notes = {
      scopes: [...allowed.scopes].sort(),
      policy: allowed.policy,
      approval: approval?.id,
      detail: { token_class: klass },
    };
    const { token, receipt } = await this.issuance.issue(request, { klass, claims, notes, approval });
    return { ...tokenAnswer(token, claims, claims.exp - claims.iat), receipt: { ...receipt } };
  }

  /** The same claims again, signed anew, to whoever could have had them the first time. What proved the user then is spent. */
  private async redeliver({ request, asked, klass }: Question, approval: Approval): Promise<JsonObject> {
    const kept = await this.use.released(request.zone.slug, approval.id, request.now);
    const claims = kept as unknown as TokenClaims | undefined;
    const left = (claims?.exp ?? 0) - epochSeconds(request.now);
    if (!claims || left <= 0 || boundKey(claims) !== request.key?.jkt)
      throw new OAuthError('invalid_request', 'approval is used up');
    const notes = {
      scopes: claims.scope?.split(' '),
      approval: approval.id,
      detail: { token_class: klass, redelivered: true },
    };
    const once = request.once.filter((claim) => claim !== asked.user?.once);
    const { token, receipt } = await this.issuance.issue({ ...request, once }, { klass, claims, notes });
    return { ...tokenAnswer(token, claims, left), receipt: { ...receipt } };
  }

  private async question(request: TokenRequest, asked: MandateRequest): Promise<Question> {
    await this.policies.ready(request.zone.slug);
    const targets = resolve(request, asked);
    const klass = targets.some((target) => target.control) ? 'control' : 'mandate';
    return { request, asked, targets, klass, details: detailsAt(request, asked, targets) };
  }

  private decide({ request, asked, targets }: Question, approval?: DecisionFacts['approval']): Decision {
    const { zone, client, facts, now } = request;
    const { lineage, parents, user } = asked;
    const application = client.application.id;
    const parties = { application, lineage, parents, user: user?.subject, address: facts.address, now, approval };
    const context = decisionFacts(parties, zone);
    return this.policies.decide(zone.slug, { targets, scope: asked.scope }, context);
  }

  private async claims(
    { request, asked, targets, klass, details }: Question,
    allowed: Allowed,
    approval?: string,
  ): Promise<TokenClaims> {
    const { lineage, parents, lifetime, user } = asked;
    const basis = await this.bases.basis(request, {
      klass,
      lifetime,
      ancestors: [...ancestorEnds(request, asked), allowed.endsAt, detailsEnd(details)],
      subject: user?.subject ?? subjectOf(request.client.application.id, lineage),
      subjectEpoch: user?.epoch,
      txn: parents[0]?.txn,
    });
    const audience = targets.map(audienceOf);
    return mandateClaims(basis, {
      audience,
      scopes: allowed.scopes,
      details,
      lineage,
      parents,
      user: user?.subject,
      approval,
    });
  }
}

function requireAllowed(question: Question, decision: Decision): Allowed {
  if (decision.outcome === 'allow') return decision;
  throw refusal(question, decision);
}

function refusal({ request, asked }: Question, decision: Refused): OAuthError {
  request.notes.add({ reasons: decisionReasons(decision), policy: decision.policy, ...askedScopes(asked, decision) });
  return decisionRefusal(decision);
}

function holdOf(question: Question, decision: Decision, scopes: Iterable<string>): MandateHold {
  const { lineage, parents } = question.asked;
  return {
    work: workOf(question, decision, scopes),
    required: decision.outcome === 'hold' ? decision.required : [],
    determining: decision.policy?.determining ?? [],
    ...requestersOf(lineage),
    txn: parents[0]?.txn,
  };
}

function workOf(
  { request, asked, targets, details }: Question,
  { policy }: Decision,
  scopes: Iterable<string>,
): HeldWork {
  return heldWork({
    zone: request.zone.slug,
    application: request.client.application.id,
    lineage: asked.lineage,
    user: asked.user?.subject,
    resources: targets,
    scopes,
    authorizationDetails: details,
    policyVersion: policy?.version ?? -1,
  });
}

function tokenAnswer(token: string, claims: TokenClaims, expiresIn: number): JsonObject {
  return {
    access_token: token,
    token_type: tokenType(claims),
    expires_in: expiresIn,
    scope: claims.scope ?? '',
    ...(claims.authorization_details === undefined ? {} : { authorization_details: claims.authorization_details }),
  };
}

/** The ledger keeps a digest: details may hold what is personal. */
function detailsAt(
  { notes }: TokenRequest,
  { details: asked, parents }: MandateRequest,
  targets: readonly ResourceView[],
): readonly JsonObject[] | undefined {
  const held = parents.map((claims) => claims.authorization_details);
  const details = grantDetails(asked, targets, held);
  if (details)
    notes.add({
      detail: {
        authorization_details: hash('sha256', canonicalize(details), 'base64url'),
        authorization_details_types: [...new Set(details.map((detail) => detail['type'] as string))],
      },
    });
  return details;
}

function resolve({ zone, key, notes }: TokenRequest, asked: MandateRequest): readonly ResourceView[] {
  const lookup = {
    byTarget: (uri: string) => zone.resourceByTarget(uri),
    byIdentifier: (identifier: string) => zone.resourceByIdentifier(identifier),
  };
  const targets = resolveTargets(asked, lookup, key !== undefined);
  if (asked.lineage?.gatewayOnly) requireGateway(targets);
  const identifiers = targets.map((target) => target.identifier);
  notes.add(identifiers.length === 1 ? { resource: identifiers[0] } : { detail: { resources: identifiers } });
  return targets;
}

function ancestorEnds({ zone }: TokenRequest, { lineage, parents, user }: MandateRequest): number[] {
  const applications = new Set(lineage?.sessions.map((session) => session.application));
  const ends = [...applications].map((id) => zone.application(id)?.expiresAt ?? Number.POSITIVE_INFINITY);
  const proof = user ? [user.expiresAt, user.sessionEnd] : [];
  const tokens = parents.map((claims) => claims.exp * 1000);
  return [...ends, ...tokens, ...proof, lineage?.endsAt ?? Number.POSITIVE_INFINITY];
}

/** What was asked for and what of it is missing, for whoever explains the refusal later. */
function askedScopes({ scope }: MandateRequest, refused: Exclude<Decision, Allowed>): Notes {
  const missing = refused.outcome === 'hold' ? refused.held : refused.missing;
  return { scopes: scope && [...scope].sort(), detail: { missing: [...missing].sort() } };
}
