import { Inject, Injectable } from '@nestjs/common';
import { LedgerReader } from '../../audit/index.js';
import { CLOCK, type Clock } from '../../kernel/clock.js';
import { isJsonObject, type JsonObject } from '../../kernel/json.js';
import { parseScope } from '../../kernel/scopes.js';
import type { Target } from '../domain/ceiling.js';
import { decide, type Decision, type DecisionFacts } from '../domain/decide.js';
import { missingGrants, missingPermissions, type MissingPermission } from '../domain/questions/missing-permission.js';
import { askedFacts, type PolicyRequest } from '../domain/questions/question-facts.js';
import { type Outcome, recordedQuestion, textOf, textsOf } from '../domain/questions/recorded-decision.js';
import { policyScene } from '../domain/policy-input.js';
import { AUTHORITY_FACTS, type AuthorityFacts } from '../ports.js';
import { invalidMember } from '../policy-faults.js';
import { type ChosenSet, ChosenSets, type SetChoice } from './chosen-sets.js';

/** What would be decided, by which policies, why, and what is missing. */
export interface Simulation {
  readonly decision: Outcome;
  readonly determining: readonly string[];
  readonly reasons: readonly string[];
  readonly missing: readonly MissingPermission[];
  readonly version: number | null;
}

/** What was decided, as the ledger has it, and what was missing then. */
export interface Explanation {
  readonly decision: Outcome;
  readonly policy: { readonly version: number; readonly determining: readonly string[] } | null;
  readonly reasons: readonly string[];
  readonly missing: readonly MissingPermission[];
}

/** Questions about decisions that nobody makes: nothing is issued, forwarded or recorded. */
@Injectable()
export class PolicyQuestions {
  constructor(
    private readonly sets: ChosenSets,
    private readonly ledger: LedgerReader,
    @Inject(AUTHORITY_FACTS) private readonly authority: AuthorityFacts,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** What the one decision would be now, grants and sessions as they are, under these policies. */
  async simulate(zone: string, choice: SetChoice, request: PolicyRequest): Promise<Simulation> {
    const target = await this.target(zone, request.resource);
    const facts = await this.facts(zone, request);
    return this.sets.open(zone, choice, (chosen) => {
      if ('fault' in facts)
        return { decision: 'deny', determining: [], reasons: [facts.fault], missing: [], version: chosen.version };
      return simulation(request, { target, facts: askedFacts(facts, request) }, chosen);
    });
  }

  /** Why a decision of the ledger came out as it did. Throws `not_found` beyond the ledger's end. */
  async explain(zone: string, index: number): Promise<Explanation> {
    const { entry } = await this.ledger.event(zone, index);
    const decision = entry['decision'];
    if (decision !== 'allow' && decision !== 'deny' && decision !== 'hold')
      throw invalidMember('index', 'must be the index of a decision; this entry is none');
    const policy = policyOf(entry);
    const reasons = textsOf(entry['reasons']);
    const missing = decision === 'allow' ? [] : await this.missing(zone, entry, policy?.version);
    return { decision, policy: policy ?? null, reasons, missing };
  }

  private async target(zone: string, name: string): Promise<Target> {
    const target = await this.authority.target(zone, name);
    if (!target)
      throw invalidMember('request.resource', 'must be the id, identifier or gateway URL of a resource here');
    return target;
  }

  private async facts(zone: string, { session, application, labels }: PolicyRequest) {
    if ((session === undefined) === (application === undefined))
      throw invalidMember('request', 'must name either session or application, like {"application": "app_…"}');
    const facts = await this.authority.facts(zone, { session, application, labels }, this.clock.now());
    if ('fault' in facts && facts.fault === 'unknown')
      throw invalidMember(session === undefined ? 'request.application' : 'request.session', 'is not known here');
    return facts;
  }

  private async missing(zone: string, entry: JsonObject, version: number | undefined): Promise<MissingPermission[]> {
    const detail = entry['detail'];
    const ungranted = isJsonObject(detail) ? textsOf(detail['missing']) : [];
    const scopes = ungranted.length > 0 ? ungranted : textsOf(entry['scopes']);
    const asked = recordedQuestion(entry);
    if (!asked || version === undefined) {
      const structural = textsOf(entry['reasons']).some((reason) => STRUCTURAL.has(reason));
      return structural ? missingGrants(scopes, textOf(entry['resource'])) : [];
    }
    return this.sets.open(zone, { version }, (chosen) => missingPermissions(asked.question, asked.scene, chosen));
  }
}

const STRUCTURAL: ReadonlySet<string> = new Set(['invalid_scope', 'invalid_target', 'insufficient_scope']);

function simulation(
  { scope }: PolicyRequest,
  { target, facts }: { readonly target: Target; readonly facts: DecisionFacts },
  chosen: ChosenSet,
): Simulation {
  const scopes = parseScope(scope) ?? new Set<string>();
  const decision = decide({ targets: [target], scope: scopes }, facts, chosen.set);
  const { version } = chosen;
  if (decision.outcome === 'refused') {
    const missing = missingGrants(decision.missing, target.id);
    return { decision: 'deny', determining: [], reasons: [decision.code], missing, version };
  }
  const question = { scopes, resources: [target.id], omitted: false };
  return {
    decision: outcomeOf(decision),
    determining: decision.policy.determining,
    reasons: reasonsOf(decision),
    missing: missingPermissions(question, policyScene(facts), chosen),
    version,
  };
}

function outcomeOf({ outcome }: Decision): Outcome {
  return outcome === 'allow' || outcome === 'hold' ? outcome : 'deny';
}

function reasonsOf(decision: Decision): readonly string[] {
  if (decision.outcome === 'hold') return ['approval_required'];
  return decision.outcome === 'denied' ? decision.reasons : [];
}

function policyOf(entry: JsonObject): NonNullable<Explanation['policy']> | undefined {
  const policy = entry['policy'];
  if (!isJsonObject(policy) || typeof policy['version'] !== 'number') return undefined;
  return { version: policy['version'], determining: textsOf(policy['determining']) };
}
