import * as cedar from '@cedar-policy/cedar-wasm/nodejs';

/** A node of the engine's JSON form of an expression; an object with one member, the operator. */
export type Expression = { readonly [operator: string]: Node };
export type Node = Expression | readonly Node[] | string | number | boolean | null;

export const TRUE: Expression = { Value: true };

export function isExpression(node: Node | undefined): node is Expression {
  return typeof node === 'object' && node !== null && !Array.isArray(node);
}

/** True of the constant. */
export function isConstant(node: Node | undefined, value: boolean): boolean {
  return isExpression(node) && node['Value'] === value;
}

/** The operands of a binary operator. */
export function operands(node: Node | undefined): { readonly left?: Node; readonly right?: Node } {
  return isExpression(node) ? node : {};
}

export function not(arg: Node): Expression {
  return { '!': { arg } };
}

export function both(left: Node, right: Node): Expression {
  return { '&&': { left, right } };
}

export function either(left: Node, right: Node): Expression {
  return { '||': { left, right } };
}

/** Rebuilds a tree from its leaves up. `change` sees each node after its children. */
export function rebuilt(node: Node, change: (node: Expression) => Node): Node {
  if (Array.isArray(node)) return (node as readonly Node[]).map((child) => rebuilt(child, change));
  if (!isExpression(node)) return node;
  const children = Object.entries(node).map(([name, child]) => [name, rebuilt(child, change)] as const);
  return change(Object.fromEntries(children));
}

/** The same meaning without constants that do nothing. */
export function simplified(node: Node): Node {
  return rebuilt(node, (part) => {
    if ('&&' in part) return conjunction(part['&&']);
    if ('||' in part) return disjunction(part['||']);
    if ('!' in part) return negation(part['!']);
    return part;
  });
}

function conjunction(node: Node | undefined): Node {
  const { left = TRUE, right = TRUE } = operands(node);
  if (isConstant(left, true)) return right;
  return isConstant(right, true) || isConstant(left, false) ? left : both(left, right);
}

function disjunction(node: Node | undefined): Node {
  const { left = TRUE, right = TRUE } = operands(node);
  if (isConstant(left, false)) return right;
  return isConstant(right, false) || isConstant(left, true) ? left : either(left, right);
}

function negation(node: Node | undefined): Node {
  const arg = isExpression(node) ? node['arg'] : undefined;
  if (isConstant(arg, true)) return { Value: false };
  if (isConstant(arg, false)) return TRUE;
  const twice = isExpression(arg) ? arg['!'] : undefined;
  if (isExpression(twice) && twice['arg'] !== undefined) return twice['arg'];
  return not(arg ?? TRUE);
}

const FRAME = /^permit\(principal, action, resource\) when \{ ([\s\S]*) \};$/;

/** The expression as a person would write it. */
export function expressionText(node: Node): string {
  const all = { op: 'All' } as const;
  const answer = cedar.policyToText({
    effect: 'permit',
    principal: all,
    action: all,
    resource: all,
    conditions: [{ kind: 'when', body: node as cedar.Expr }],
  });
  if (answer.type === 'failure') throw new Error(answer.errors.map((error) => error.message).join('; '));
  return FRAME.exec(answer.text)?.[1] ?? answer.text;
}
