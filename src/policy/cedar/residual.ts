import * as cedar from '@cedar-policy/cedar-wasm/nodejs';
import {
  both,
  either,
  type Expression,
  expressionText,
  isConstant,
  isExpression,
  type Node,
  not,
  operands,
  rebuilt,
  simplified,
  TRUE,
} from './expression.js';
import type { PolicyPart } from './policy-text.js';

/** Somebody of whom only the application and perhaps one label is known. */
export interface PartlyKnown {
  readonly kind: 'Session' | 'Application';
  readonly application: string;
  /** A label that the session carries for certain. */
  readonly label?: string | undefined;
  /** Labels that it may carry besides. */
  readonly possibleLabels: readonly string[];
  readonly action: string;
  readonly resource: string;
}

/** What must hold for a permission, or that none is possible. All of the conditions together; without any it holds in every case. */
export type Residual =
  { readonly possible: true; readonly conditions: readonly string[] } | { readonly possible: false };

const NOBODY = 'unknown';

/**
 * Evaluates policies as far as they can be for somebody partly known, in an unknown context (Cedar's partial evaluation). What is left are the
 * conditions, as Cedar expressions and `approval("<class>")`. Exact: a permission is possible if and only if the conditions can be met.
 */
export function residualOf(parts: readonly PolicyPart[], who: PartlyKnown): Residual {
  const unknowns = new Unknowns(who);
  const left = partially(parts, who, unknowns);
  const permits: Node[] = [];
  const conditions: Node[] = [];
  const approvals: (Node | string)[] = [];
  for (const part of parts) {
    const rest = left(part.id);
    if (isConstant(rest, false)) continue;
    if (isPermit(part)) permits.push(rest);
    else if (part.approval === undefined) conditions.push(simplified(not(rest)));
    else approvals.push(approvalCondition(rest, part.approval.approverClass));
  }
  const permitted = anyOf(permits);
  const all = [permitted, ...conditions];
  if (all.some((condition) => isConstant(condition, false))) return { possible: false };
  const texts = all.filter((condition) => !isConstant(condition, true)).map(expressionText);
  return { possible: true, conditions: [...texts, ...approvals.map(String)] };
}

function isPermit(part: PolicyPart): boolean {
  const parsed = cedar.policyToJson(part.text);
  return parsed.type === 'success' && parsed.json.effect === 'permit';
}

function anyOf(nodes: readonly Node[]): Node {
  if (nodes.some((node) => isConstant(node, true))) return TRUE;
  return nodes.length === 0 ? { Value: false } : nodes.reduce((left, right) => either(left, right));
}

function approvalCondition(rest: Node, approvers: string): string {
  const approval = `approval("${approvers}")`;
  return isConstant(rest, true) ? approval : `(${expressionText(simplified(not(rest)))}) || ${approval}`;
}

/** What is left of each policy: a constant, or an expression over what is unknown. */
function partially(parts: readonly PolicyPart[], who: PartlyKnown, unknowns: Unknowns): (policy: string) => Node {
  const principal = { type: who.kind, id: who.kind === 'Session' ? NOBODY : who.application };
  const parents = [
    { type: 'Application', id: who.application },
    ...(who.label === undefined ? [] : [{ type: 'Label', id: who.label }]),
  ];
  const answer = cedar.isAuthorizedPartial({
    principal,
    action: { type: 'Action', id: who.action },
    resource: { type: 'Resource', id: who.resource },
    context: {},
    policies: { staticPolicies: Object.fromEntries(parts.map((part) => [part.id, unknowns.policy(part)])) },
    entities: [{ uid: principal, attrs: {}, parents: who.kind === 'Session' ? parents : [] }],
  });
  if (answer.type === 'failure') throw new Error(answer.errors.map((error) => error.message).join('; '));
  const { satisfied, residuals } = answer.response;
  return (policy) => {
    if (satisfied.includes(policy)) return TRUE;
    const rest = residuals[policy];
    return rest ? unknowns.restored(conditionOf(rest)) : { Value: false };
  };
}

function conditionOf({ conditions }: cedar.PolicyJson): Node {
  const bodies = conditions.map(({ kind, body }) => (kind === 'when' ? (body as Node) : not(body as Node)));
  return bodies.reduce((left, right) => both(left, right), TRUE);
}

/** Puts unknowns in the place of what nobody can know yet, and back. */
class Unknowns {
  private readonly originals = new Map<string, Node>();

  constructor(private readonly who: PartlyKnown) {}

  /** The policy with everything that depends on the context or on the session itself unknown. */
  policy(part: PolicyPart): cedar.PolicyJson {
    const parsed = cedar.policyToJson(part.text);
    if (parsed.type === 'failure') throw new Error(parsed.errors.map((error) => error.message).join('; '));
    const { principal, ...rest } = parsed.json;
    const conditions = [{ kind: 'when', body: scopeCondition(principal) }, ...rest.conditions] as cedar.Clause[];
    return {
      ...rest,
      principal: { op: 'All' },
      conditions: conditions.map(({ kind, body }) => ({ kind, body: this.hidden(body as Node) as cedar.Expr })),
    };
  }

  /** The opposite: unknowns become again what they stand for. */
  restored(node: Node): Node {
    const open = rebuilt(node, (part) => {
      const name = Array.isArray(part['unknown']) ? (part['unknown'] as readonly Node[])[0] : undefined;
      const key = isExpression(name) ? name['Value'] : undefined;
      return typeof key === 'string' ? (this.originals.get(key) ?? part) : part;
    });
    return simplified(open);
  }

  private hidden(node: Node): Node {
    return rebuilt(memberships(node), (part) => {
      if (part['Var'] === 'context') return this.unknown(part);
      if (this.who.kind === 'Application') return part;
      return this.dependsOnSession(part) ? this.unknown(part) : part;
    });
  }

  private unknown(node: Expression): Expression {
    const key = `u${this.originals.size}`;
    this.originals.set(key, node);
    return { unknown: [{ Value: key }] };
  }

  /** Which session it is, and which other labels it carries. */
  private dependsOnSession(part: Expression): boolean {
    const label = labelAsked(part);
    if (label !== undefined) return label !== this.who.label && this.who.possibleLabels.includes(label);
    const { left, right } = operands(part['=='] ?? part['!=']);
    return [left, right].some(isPrincipal);
  }
}

function isPrincipal(node: Node | undefined): boolean {
  return isExpression(node) && node['Var'] === 'principal';
}

/** The label of `principal in Label::"…"`. */
function labelAsked(part: Expression): string | undefined {
  const { left, right } = operands(part['in']);
  const entity = isPrincipal(left) && isExpression(right) ? entityOf(right['Value']) : undefined;
  return entity?.type === 'Label' ? entity.id : undefined;
}

function entityOf(value: Node | undefined): { readonly type: string; readonly id: string } | undefined {
  const entity = isExpression(value) ? value['__entity'] : undefined;
  if (!isExpression(entity)) return undefined;
  return { type: entity['type'] as string, id: entity['id'] as string };
}

/** `principal in [a, b]` and `principal is T in a` as memberships of one entity each. */
function memberships(node: Node): Node {
  return rebuilt(node, (part) => {
    const { left, right } = operands(part['in']);
    if (isPrincipal(left) && isExpression(right) && Array.isArray(right['Set']))
      return anyOf((right['Set'] as readonly Node[]).map((one) => membership(one)));
    const typed = part['is'];
    if (isExpression(typed) && isPrincipal(typed['left']) && typed['in'] !== undefined) {
      const { in: group, ...is } = typed;
      return both({ is }, memberships(membership(group)));
    }
    return part;
  });
}

function membership(group: Node): Expression {
  return { in: { left: { Var: 'principal' }, right: group } };
}

/** A policy's principal constraint as an expression. */
function scopeCondition(principal: cedar.PrincipalConstraint): Node {
  switch (principal.op) {
    case 'All':
      return TRUE;
    case '==':
      return { '==': { left: { Var: 'principal' }, right: entityValue(principal) } };
    case 'in':
      return membership(entityValue(principal));
    case 'is': {
      const is: Expression = { is: { left: { Var: 'principal' }, entity_type: principal.entity_type } };
      return principal.in ? both(is, membership(entityValue(principal.in))) : is;
    }
  }
}

function entityValue(constraint: object): Expression {
  const { entity } = constraint as { entity?: cedar.EntityUidJson };
  const uid = entity && '__entity' in entity ? entity.__entity : entity;
  return { Value: { __entity: uid as unknown as Node } };
}
