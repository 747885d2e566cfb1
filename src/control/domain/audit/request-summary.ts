import { isJsonObject, type JsonObject, type JsonValue } from '../../../kernel/json.js';

/** Members of entries that say who did what to what; of each, the first value any entry gives. */
const FACTS = [
  'actor',
  'application',
  'session',
  'subject',
  'delegation',
  'chain',
  'resource',
  'operation',
  'scopes',
  'txn',
  'approval',
  'token',
] as const;
/** How grave an answer is: what was denied once was not allowed as a whole. */
const GRAVITY = ['allow', 'hold', 'deny'] as const;

/** What an outcome says of the call's end. */
const ENDS = ['status', 'ended', 'bytes_in', 'bytes_out', 'duration_ms', 'upstream'] as const;

/**
 * What one request came to, from its entries in order: its outcome is the gravest decision, with every reason given. Facts that no entry names
 * are absent. The caller must not take it for evidence: the entries are.
 */
export function summarizeRequest(entries: readonly JsonObject[]): JsonObject {
  const facts = FACTS.flatMap((name) => withValue(name, firstValue(entries, name)));
  const decision = GRAVITY.findLast((grave) => entries.some((entry) => entry['decision'] === grave));
  const reasons = [...new Set(entries.flatMap((entry) => listOf(entry['reasons'])))];
  return {
    entries: entries.length,
    types: entries.map((entry) => entry['type'] ?? ''),
    ...(decision === undefined ? {} : { decision }),
    ...(reasons.length === 0 ? {} : { reasons }),
    ...Object.fromEntries(facts),
    ...determining(entries),
    ...outcome(entries),
    ...time('started_at', entries.at(0)),
    ...time('ended_at', entries.at(-1)),
  };
}

function listOf(value: JsonValue | undefined): readonly JsonValue[] {
  return Array.isArray(value) ? (value as readonly JsonValue[]) : [];
}

function firstValue(entries: readonly JsonObject[], name: string): JsonValue | undefined {
  return entries.find((entry) => entry[name] !== undefined)?.[name];
}

/** The policies that decided, when one did. */
function determining(entries: readonly JsonObject[]): JsonObject {
  const policy = entries.map((entry) => entry['policy']).findLast(isJsonObject);
  if (!policy) return {};
  const { version, determining: policies } = policy;
  return {
    policy: {
      ...(version === undefined ? {} : { version }),
      ...(policies === undefined ? {} : { determining: policies }),
    },
  };
}

/** How the last call ended that reached an upstream. */
function outcome(entries: readonly JsonObject[]): JsonObject {
  const detail = entries.findLast((entry) => entry['type'] === 'gateway.outcome')?.['detail'];
  if (!isJsonObject(detail)) return {};
  return { outcome: Object.fromEntries(ENDS.flatMap((name) => withValue(name, detail[name]))) };
}

function withValue(name: string, value: JsonValue | undefined): (readonly [string, JsonValue])[] {
  return value === undefined ? [] : [[name, value]];
}

function time(name: string, entry: JsonObject | undefined): JsonObject {
  const at = entry?.['occurred_at'];
  return at === undefined ? {} : { [name]: at };
}
