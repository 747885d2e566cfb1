import { canonicalize } from '../../kernel/canonical-json.js';
import { isJsonObject, type JsonObject, type JsonValue, parseJsonStrict } from '../../kernel/json.js';
import { OAuthError } from '../../kernel/oauth-error.js';
import { parseTime } from '../../kernel/times.js';

/** What a resource knows of authorization details. */
export interface DetailedTarget {
  readonly identifier: string;
  readonly gatewayUrl: string;
  readonly enforcement: 'gateway' | 'direct';
  /** By type: whether an object is one of it. */
  readonly detailTypes: ReadonlyMap<string, (detail: JsonObject) => boolean>;
}

const MOST_BYTES = 16_384;
const MOST_DETAILS = 20;
const MAX_DEPTH = 12;
/** Every call is a claim of its own. */
const MOST_CALLS = 1_000;

/** Members whose absence means no limit, so that naming one can only narrow. */
const NARROWING: readonly string[] = [
  'locations',
  'actions',
  'datatypes',
  'identifier',
  'method',
  'path',
  'operations',
  'valid_until',
  'max_calls',
];

/** Reads `authorization_details` (RFC 9396 §2): a JSON array of objects, each with a `type`. Nothing is granted yet. */
export function readDetails(text: string | undefined): readonly JsonObject[] | undefined {
  if (text === undefined) return undefined;
  const value = Buffer.byteLength(text) <= MOST_BYTES ? parse(text) : undefined;
  if (!Array.isArray(value) || value.length === 0 || value.length > MOST_DETAILS)
    throw invalidDetails(`must be a JSON array of 1–${MOST_DETAILS} objects, at most ${MOST_BYTES} bytes`);
  const details = value as readonly JsonValue[];
  if (!details.every((detail): detail is JsonObject => isJsonObject(detail) && typeof detail['type'] === 'string'))
    throw invalidDetails('each must be an object with a type');
  return details;
}

/**
 * What is granted of the details that were asked for at these targets (RFC 9396 §5–§7): every one of a type that its targets know, as its schema says, and
 * within what each of `held` allows, the details of the tokens that were presented. All or nothing: one that may not be had refuses the request. When
 * none is asked for, what the tokens were narrowed to is carried on. The caller must not assume that they permit anything: they only limit.
 */
export function grantDetails(
  asked: readonly JsonObject[] | undefined,
  targets: readonly DetailedTarget[],
  held: readonly (readonly JsonObject[] | undefined)[],
): readonly JsonObject[] | undefined {
  const ceilings = held.filter((details) => details !== undefined);
  if (asked === undefined) return inherited(targets, ceilings);
  for (const detail of asked) {
    requireKnown(detail, targets);
    const within = ceilings.every((details) => details.some((ceiling) => isWithin(detail, ceiling)));
    if (!within) throw invalidDetails('exceeds the details of a token that was presented');
  }
  return asked;
}

/** What an application token may be narrowed to: details each of which some resource of the zone knows as it is. */
export function grantAnywhere(
  asked: readonly JsonObject[],
  resources: readonly DetailedTarget[],
): readonly JsonObject[] {
  for (const detail of asked) {
    const isOfType = (resource: DetailedTarget): boolean =>
      resource.detailTypes.get(detail['type'] as string)?.(detail) ?? false;
    if (!resources.some(isOfType)) throw invalidDetails('an object is not of a type that a resource here knows');
  }
  return asked;
}

/** When the earliest of them ends, in milliseconds; Infinity when none does. */
export function detailsEnd(details: readonly JsonObject[] | undefined): number {
  const ends = (details ?? []).map(({ valid_until: end }) =>
    typeof end === 'string' ? (parseTime(end) ?? 0) : Infinity,
  );
  return Math.min(Infinity, ...ends);
}

/** True when a detail allows nothing that `ceiling` does not. Members without a known order must be the same in both. */
export function isWithin(detail: JsonObject, ceiling: JsonObject): boolean {
  const names = new Set([...Object.keys(detail), ...Object.keys(ceiling)]);
  return [...names].every((name) => memberWithin(name, detail[name], ceiling[name]));
}

/** How much of it is less, by member. */
const ORDERS: Readonly<Record<string, (asked: JsonValue, held: JsonValue) => boolean>> = {
  valid_until: (asked, held) => typeof asked === 'string' && typeof held === 'string' && time(asked) <= time(held),
  max_calls: (asked, held) => typeof asked === 'number' && typeof held === 'number' && asked <= held,
};

function memberWithin(name: string, asked: JsonValue | undefined, held: JsonValue | undefined): boolean {
  const isLimit = NARROWING.includes(name);
  if (held === undefined) return isLimit;
  if (asked === undefined) return false;
  const order = isLimit ? ORDERS[name] : undefined;
  if (order) return order(asked, held);
  return isLimit && Array.isArray(asked) && Array.isArray(held) ? isSubset(asked, held) : same(asked, held);
}

function requireKnown(detail: JsonObject, targets: readonly DetailedTarget[]): void {
  const named = namedTargets(detail, targets);
  const { type } = detail;
  for (const target of named) {
    const isOfType = target.detailTypes.get(type as string);
    if (!isOfType) throw invalidDetails('a type is not known at a resource that it is for');
    if (!isOfType(detail)) throw invalidDetails('an object is not as its type wants it');
  }
  requireEnforceable(detail, named);
}

/** A limit that is granted is one that somebody keeps: what the gateway cannot keep, it does not promise. */
function requireEnforceable(
  { valid_until: end, max_calls: calls }: JsonObject,
  named: readonly DetailedTarget[],
): void {
  if (!named.some((target) => target.enforcement === 'gateway')) return;
  if (calls !== undefined && !isCount(calls))
    throw invalidDetails(`max_calls must be a number from 1 to ${MOST_CALLS}`);
  if (end !== undefined && (typeof end !== 'string' || parseTime(end) === undefined))
    throw invalidDetails('valid_until must be an RFC 3339 time');
}

/** The targets that an object is for: those at its locations, all of them when it names none. */
function namedTargets({ locations }: JsonObject, targets: readonly DetailedTarget[]): readonly DetailedTarget[] {
  if (locations === undefined) return targets;
  const names = Array.isArray(locations) ? (locations as readonly JsonValue[]) : [];
  const named = names.map((name) => targets.find((target) => target.identifier === name || target.gatewayUrl === name));
  if (named.length === 0 || !named.every((target) => target !== undefined))
    throw invalidDetails('a location is not a resource of this request');
  return named;
}

/** What a token was narrowed to goes on narrowing; of several tokens' details only those that all of them allow. */
function inherited(
  targets: readonly DetailedTarget[],
  [first, ...others]: readonly (readonly JsonObject[])[],
): readonly JsonObject[] | undefined {
  const known = (first ?? []).filter((detail) =>
    targets.some((target) => target.detailTypes.has(detail['type'] as string)),
  );
  if (known.length === 0) return undefined;
  const common = known.filter((detail) =>
    others.every((details) => details.some((ceiling) => isWithin(detail, ceiling))),
  );
  if (common.length === 0) throw invalidDetails('the tokens that were presented allow nothing in common');
  return common;
}

export function invalidDetails(description: string): OAuthError {
  return new OAuthError('invalid_authorization_details', description);
}

function parse(text: string): JsonValue | undefined {
  try {
    return parseJsonStrict(text, { maxDepth: MAX_DEPTH });
  } catch {
    return undefined;
  }
}

function isCount(value: JsonValue): boolean {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 1 && value <= MOST_CALLS;
}

function time(text: string): number {
  return parseTime(text) ?? Number.NaN;
}

function isSubset(some: readonly JsonValue[], all: readonly JsonValue[]): boolean {
  return some.every((one) => all.some((other) => same(one, other)));
}

function same(one: JsonValue, other: JsonValue): boolean {
  return canonicalize(one) === canonicalize(other);
}
