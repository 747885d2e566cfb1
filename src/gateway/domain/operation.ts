import { pathParameters, queryMembers } from './operations/operation-facts.js';

/** An operation of a resource as it is declared. */
export interface OperationRule {
  readonly method: string;
  readonly path: string;
  /** Scope-tokens, all of them needed. */
  readonly scopes: readonly string[];
  /** What a call must look like beyond method and path. */
  readonly conditions?: CallConditions | undefined;
}

/** Questions about the decoded parts of a call; a part that is not asked about may be anything. */
export interface CallConditions {
  readonly params?: ((value: unknown) => boolean) | undefined;
  readonly query?: ((value: unknown) => boolean) | undefined;
  readonly body?: ((value: unknown) => boolean) | undefined;
}

/** What a request was matched to; `template` is the declared path. */
export interface MatchedOperation {
  readonly template: string;
  readonly scopes: readonly string[];
  readonly conditions?: CallConditions | undefined;
  /** The names of the `{name}` segments, by their place. */
  readonly names?: readonly (string | undefined)[] | undefined;
}

/** Operations ordered from the most literal to the least; made once per resource version. */
export type OperationTable = readonly CompiledOperation[];

interface CompiledOperation extends OperationRule, MatchedOperation {
  readonly conditions: CallConditions | undefined;
  readonly segments: readonly Segment[];
  /** A trailing `/**`: the segments are a prefix. */
  readonly open: boolean;
}

/** A literal in matching form, or undefined for `{name}`. */
type Segment = string | undefined;

const PARAMETER = /^\{[^{}/]+\}$/;
const TRIPLET = /%[0-9a-fA-F]{2}/g;
const UNRESERVED = /[A-Za-z0-9\-._~]/;

/** Orders operations so that the first match is the most literal one; among equals the earlier declaration stays first. */
export function compileOperations(rules: readonly OperationRule[]): OperationTable {
  return rules
    .map(compile)
    .sort(
      (one, other) =>
        moreLiteralFirst(one, other) ||
        moreExactMethodFirst(one, other) ||
        conditionalFirst(one) - conditionalFirst(other),
    );
}

/**
 * Guarantees deny by default: undefined unless a declared operation covers the method and the path. Matching is on the path with unreserved
 * characters decoded (RFC 3986 §6.2.2.2) and the case of other triplets evened out, case-sensitive, trailing slash significant; the bare
 * gateway URL counts as `/`. `HEAD` is covered by `GET`. The caller must have judged the path and must send the original bytes.
 */
export function matchOperation(table: OperationTable, method: string, path: string): MatchedOperation | undefined {
  const segments = segmentsOf(matchingForm(path === '' ? '/' : path));
  return table.find((operation) => allowsMethod(operation.method, method) && allowsPath(operation, segments));
}

/**
 * The operations that a call may be judged by: the one that matches, and when it has conditions, those that are declared for the very same method
 * and path besides. Where none of them holds the call is not permitted: a broader operation must not let through what a narrower one keeps out.
 */
export function operationsFor(table: OperationTable, method: string, path: string): readonly MatchedOperation[] {
  const first = matchOperation(table, method, path);
  if (first?.conditions === undefined) return first === undefined ? [] : [first];
  const shape = shapeOf(first as CompiledOperation);
  return table.filter((operation) => shapeOf(operation) === shape);
}

/** The decoded parts of a call that conditions ask about; undefined is a part that cannot be read in one way only. */
export interface CallFacts {
  readonly path: string;
  readonly query: string;
  readonly body: unknown;
}

/** True when the call is what the operation describes. A part that cannot be read, or is not there, fits no condition. */
export function holds({ conditions, names = [] }: MatchedOperation, { path, query, body }: CallFacts): boolean {
  if (conditions === undefined) return true;
  const isMet = (question: ((value: unknown) => boolean) | undefined, read: () => unknown): boolean => {
    if (question === undefined) return true;
    const value = read();
    return value !== undefined && question(value);
  };
  return (
    isMet(conditions.params, () => pathParameters(names, segmentsOf(path))) &&
    isMet(conditions.query, () => queryMembers(query)) &&
    isMet(conditions.body, () => body)
  );
}

/** The text two spellings of one path have in common. */
export function matchingForm(path: string): string {
  if (!path.includes('%')) return path;
  return path.replace(TRIPLET, (triplet) => {
    const character = String.fromCharCode(Number.parseInt(triplet.slice(1), 16));
    return UNRESERVED.test(character) ? character : triplet.toUpperCase();
  });
}

function compile(rule: OperationRule): CompiledOperation {
  const open = rule.path.endsWith('/**');
  const path = open ? rule.path.slice(0, -3) : rule.path === '' ? '/' : rule.path;
  const segments =
    open && path === '' ? [] : segmentsOf(path).map((part) => (PARAMETER.test(part) ? undefined : matchingForm(part)));
  const names = segmentsOf(path).map((part) => (PARAMETER.test(part) ? part.slice(1, -1) : undefined));
  return { ...rule, conditions: rule.conditions, template: rule.path, names, segments, open };
}

/** `/a/b` is `['a', 'b']`, `/a/` is `['a', '']`, `/` is `['']`. */
function segmentsOf(path: string): readonly string[] {
  return (path.startsWith('/') ? path.slice(1) : path).split('/');
}

function allowsMethod(declared: string, method: string): boolean {
  return declared === method || declared === '*' || (method === 'HEAD' && declared === 'GET');
}

function allowsPath(operation: CompiledOperation, segments: readonly string[]): boolean {
  const declared = operation.segments;
  if (operation.open ? segments.length <= declared.length : segments.length !== declared.length) return false;
  return declared.every((segment, at) => (segment === undefined ? segments[at] !== '' : segment === segments[at]));
}

function moreLiteralFirst(one: CompiledOperation, other: CompiledOperation): number {
  const literals = countLiterals(other) - countLiterals(one);
  if (literals !== 0) return literals;
  if (one.open !== other.open) return one.open ? 1 : -1;
  const differs = one.segments.findIndex(
    (segment, at) => (segment === undefined) !== (other.segments[at] === undefined),
  );
  if (differs < 0) return other.segments.length - one.segments.length;
  return one.segments[differs] === undefined ? 1 : -1;
}

function moreExactMethodFirst(one: CompiledOperation, other: CompiledOperation): number {
  const rank = (method: string): number => (method === '*' ? 2 : method === 'GET' ? 1 : 0);
  return rank(one.method) - rank(other.method);
}

function conditionalFirst({ conditions }: CompiledOperation): number {
  return conditions === undefined ? 1 : 0;
}

function shapeOf({ method, segments, open }: CompiledOperation): string {
  return JSON.stringify([method, open, segments.map((segment) => segment ?? null)]);
}

function countLiterals(operation: CompiledOperation): number {
  return operation.segments.filter((segment) => segment !== undefined).length;
}
