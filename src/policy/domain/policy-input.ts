import type { JsonObject } from '../../kernel/json.js';
import type { ScopeSet } from '../../kernel/scopes.js';
import type { Target } from './ceiling.js';

/** Who acts: a session under its application and labels, or an application that acts without a session. */
export interface Principal {
  readonly application: string;
  readonly session?: string | undefined;
  readonly labels: readonly string[];
}

export interface SubjectFacts {
  readonly type: 'application' | 'user';
  readonly sub: string;
  readonly issuer?: string | undefined;
}

/** What is about to be done; known at the gateway only. */
export interface OperationFacts {
  readonly method: string;
  readonly path: string;
  readonly template: string;
  readonly mcpMethod?: string | undefined;
  readonly mcpTool?: string | undefined;
  readonly args?: JsonObject | undefined;
}

/** The rules that people have set aside for this decision. */
export type ApprovedRules = {
  /** Digests, as the policy set names them. */
  readonly rules: readonly string[];
  /** False when the people did not see the operation: then no rule that reads it is set aside. */
  readonly operation: boolean;
};

/** Everything a decision may depend on besides scope and resource; the ledger records it, so that it can be replayed. */
export interface PolicyFacts {
  readonly principal: Principal;
  readonly subject: SubjectFacts;
  readonly depth: number;
  /** Application ids from the root of the work to the current actor. */
  readonly chain: readonly string[];
  readonly operation?: OperationFacts | undefined;
  /** What policies read as `context.approved`, when it is not to follow from `approval`: in questions. */
  readonly approved?: boolean | undefined;
  /** A matching approval that was given and not used; found by the caller beforehand. */
  readonly approval?: ApprovedRules | undefined;
  readonly address?: string | undefined;
  /** What the clock shows in UTC, when it is not to be read from `now`: in questions about another hour. */
  readonly time?: { readonly hour: number; readonly weekday: number } | undefined;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** One question to a policy set: may this principal do this action on this resource in this context? Plain JSON, ready for the engine. */
export interface PolicyInput {
  readonly principal: JsonObject;
  readonly action: string;
  readonly resource: string;
  readonly context: JsonObject;
  readonly approval?: ApprovedRules | undefined;
}

/** The part of every question that is the same for all scopes and resources of one request. */
export interface PolicyScene extends Pick<PolicyInput, 'principal' | 'context'> {
  readonly approval?: ApprovedRules;
}

/**
 * Guarantees one scene for the same facts in any order: labels are sorted, absent facts are absent members, and time is cut to the hour
 * so that answers may be memoised. The caller must not assume that two requests of different hours are alike.
 */
export function policyScene(facts: PolicyFacts): PolicyScene {
  const { approval } = facts;
  return {
    principal: principalOf(facts.principal),
    context: contextOf(facts),
    ...(approval ? { approval: { rules: [...approval.rules].sort(), operation: approval.operation } } : {}),
  };
}

/** What was asked about, besides the scene. */
export interface AskedActions {
  readonly scopes: ScopeSet;
  readonly targets: readonly Target[];
  /** True when `scope` was omitted: then a part may be permitted, otherwise it is all or nothing. */
  readonly omitted: boolean;
}

/** The whole input of a decision as the ledger keeps it: enough to decide it again under other policies. */
export function recordedInput(scene: PolicyScene, { scopes, targets, omitted }: AskedActions): JsonObject {
  const resources = targets.map((target) => target.id).sort();
  return { actions: [...scopes].sort(), resources, ...scene, ...(omitted ? { scope_omitted: true } : {}) };
}

function principalOf(principal: Principal): JsonObject {
  if (principal.session === undefined) return { type: 'Application', id: principal.application };
  return {
    type: 'Session',
    id: principal.session,
    application: principal.application,
    labels: [...new Set(principal.labels)].sort(),
  };
}

function contextOf(facts: PolicyFacts): JsonObject {
  return {
    subject: present({ type: facts.subject.type, sub: facts.subject.sub, issuer: facts.subject.issuer }),
    depth: facts.depth,
    chain: [...facts.chain],
    approved: facts.approved ?? facts.approval !== undefined,
    time: facts.time ? { hour: facts.time.hour, weekday: facts.time.weekday } : clockAt(facts.now),
    ...(facts.operation === undefined ? {} : { operation: operationOf(facts.operation) }),
    ...(facts.address === undefined ? {} : { address: facts.address }),
  };
}

function clockAt(now: number): JsonObject {
  const instant = new Date(now);
  return { hour: instant.getUTCHours(), weekday: instant.getUTCDay() };
}

function operationOf(operation: OperationFacts): JsonObject {
  const { method, path, template, mcpMethod, mcpTool, args } = operation;
  return present({ method, path, template, mcp_method: mcpMethod, mcp_tool: mcpTool, args });
}

function present(members: Record<string, JsonObject | string | undefined>): JsonObject {
  const kept: Record<string, JsonObject | string> = {};
  for (const name in members) {
    const value = members[name];
    if (value !== undefined) kept[name] = value;
  }
  return kept;
}
