import type { JsonObject } from '../../../kernel/json.js';
import { applicationSubject } from '../../../kernel/subjects.js';
import type { DecisionFacts } from '../decide.js';
import type { OperationFacts, PolicyFacts, PolicyScene } from '../policy-input.js';
import { policyScene } from '../policy-input.js';

export interface AskedOperation {
  readonly method?: string | undefined;
  readonly path?: string | undefined;
  readonly template?: string | undefined;
  readonly mcp_method?: string | undefined;
  readonly mcp_tool?: string | undefined;
  readonly args?: JsonObject | undefined;
}

/** What a question says of the request instead of what would be true now. */
export interface AskedContext {
  readonly subject?: PolicyFacts['subject'] | undefined;
  readonly depth?: number | undefined;
  readonly chain?: readonly string[] | undefined;
  readonly operation?: AskedOperation | undefined;
  readonly approved?: boolean | undefined;
  readonly address?: string | undefined;
  readonly time?: { readonly hour: number; readonly weekday: number } | undefined;
}

export interface PolicyRequest {
  readonly session?: string | undefined;
  readonly application?: string | undefined;
  readonly labels?: readonly string[] | undefined;
  readonly resource: string;
  /** One scope, or several joined by spaces. */
  readonly scope: string;
  readonly operation?: AskedOperation | undefined;
  readonly context?: AskedContext | undefined;
}

/** The facts with what the question says of them. */
export function askedFacts<F extends Omit<PolicyFacts, 'now'>>(facts: F, request: PolicyRequest): F {
  const { subject, depth, chain, approved, address, time, operation } = request.context ?? {};
  const asked = request.operation ?? operation;
  return {
    ...facts,
    ...(subject ? { subject: { type: subject.type, sub: subject.sub, issuer: subject.issuer } } : {}),
    ...(depth === undefined ? {} : { depth }),
    ...(chain === undefined ? {} : { chain }),
    ...(approved === undefined ? {} : { approved }),
    ...(address === undefined ? {} : { address }),
    ...(time === undefined ? {} : { time }),
    ...(asked === undefined ? {} : { operation: operationFacts(asked) }),
  };
}

/** Members that a question leaves out are not there for policies either, but for the template, which is the path when nothing else is said. */
function operationFacts(asked: AskedOperation): OperationFacts {
  const { method, path, template, mcp_method, mcp_tool, args } = asked;
  const given = { method, path, template: template ?? path, mcpMethod: mcp_method, mcpTool: mcp_tool, args };
  return given as OperationFacts;
}

/** Wednesday noon: a test that says nothing of the time must not depend on when it is run. */
const TEST_TIME = { hour: 12, weekday: 3 } as const;
/** The session of a question that names none but says what it carries. */
export const ANY_SESSION = 'ses_00000000-0000-7000-8000-000000000000';

/** What policies see of a question that is about policies alone: nothing of it has to exist. */
export function hermeticScene(request: PolicyRequest): PolicyScene {
  const application = request.application ?? '';
  const session = request.session ?? (request.labels === undefined ? undefined : ANY_SESSION);
  const facts: Omit<DecisionFacts, 'now' | 'ceilings' | 'grants'> = {
    principal: { application, session, labels: request.labels ?? [] },
    subject: { type: 'application', sub: applicationSubject(application) },
    depth: 0,
    chain: [application],
    time: TEST_TIME,
  };
  return policyScene({ ...askedFacts(facts, request), now: 0 });
}
