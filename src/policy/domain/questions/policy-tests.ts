import { isJsonObject } from '../../../kernel/json.js';
import type { FieldFault } from '../../../kernel/app-error.js';
import { judge } from '../decide.js';
import type { PolicySet } from '../policy-set.js';
import { hermeticScene, type PolicyRequest } from './question-facts.js';
import type { Outcome } from './recorded-decision.js';

/** A case that must hold before its set may be activated. */
export interface PolicyTest {
  readonly name?: string | undefined;
  readonly request: PolicyRequest;
  readonly decision?: Outcome | undefined;
  readonly expect?: Outcome | undefined;
  readonly reasons?: readonly string[] | undefined;
}

/** The cases that do not hold, by their place and name; `resourceId` finds the id behind a resource's name. */
export function failingTests(
  tests: readonly object[],
  set: PolicySet,
  resourceId: (name: string) => string,
): FieldFault[] {
  return tests.flatMap((test, at) => {
    const why = isTest(test) ? failureOf(test, set, resourceId) : 'is not a case with request and decision';
    if (why === undefined) return [];
    const name = isTest(test) && test.name !== undefined ? `“${test.name}” ` : '';
    return [{ field: `tests.${at}`, message: `${name}${why}` }];
  });
}

/** What a case calls the resource it asks about. */
export function testedResource(test: object): string {
  return isTest(test) ? test.request.resource : '';
}

/** Tests were kept before they had a shape. */
function isTest(test: object): test is PolicyTest {
  const { request, decision, expect } = test as Partial<PolicyTest>;
  const asked =
    isJsonObject(request) && typeof request['scope'] === 'string' && typeof request['resource'] === 'string';
  return asked && (decision ?? expect) !== undefined;
}

function failureOf(test: PolicyTest, set: PolicySet, resourceId: (name: string) => string): string | undefined {
  const expected = test.decision ?? test.expect;
  const question = {
    scopes: new Set(test.request.scope.split(' ')),
    resources: [resourceId(test.request.resource)],
    omitted: false,
  };
  const judgement = judge(question, hermeticScene(test.request), set);
  const decision = judgement.outcome === 'allow' || judgement.outcome === 'hold' ? judgement.outcome : 'deny';
  if (decision !== expected) return `must be ${expected} and is ${decision}`;
  const reasons = judgement.outcome === 'denied' ? judgement.reasons : [];
  const missing = (test.reasons ?? []).filter((reason) => !(reasons as readonly string[]).includes(reason));
  return missing.length === 0 ? undefined : `must be denied for ${missing.join(', ')} and is for ${reasons.join(', ')}`;
}
