import { isJsonObject, type JsonObject, type JsonValue } from '../../kernel/json.js';
import { parseTime } from '../../kernel/times.js';
import { compileOperations, matchOperation, type OperationTable } from './operation.js';

/** A call, as far as authorization details can limit it. */
export interface DetailedCall {
  /** Identifier and gateway URL of the resource that is called. */
  readonly locations: readonly string[];
  readonly method: string;
  readonly path: string;
  readonly tool?: string | undefined;
  /** Every scope it needs; undefined when any held scope will do. */
  readonly scopes: ReadonlySet<string> | undefined;
  /** Milliseconds. */
  readonly now: number;
}

/** An object of a mandate's details that allows so many calls. */
export interface CountedDetail {
  /** Where it stands among the details. */
  readonly at: number;
  readonly max: number;
}

/**
 * What the mandate's authorization details (RFC 9396) say of a call: undefined when they do not allow it, else those of which one must have a call left;
 * none when nothing counts. One of those that are for this resource must cover it, or none is for it. An object without `locations` is for every
 * resource of the mandate. A member that cannot be read covers nothing.
 */
export function judgeDetails(
  details: readonly JsonObject[] = [],
  call: DetailedCall,
): readonly CountedDetail[] | undefined {
  const applicable = details
    .map((detail, at) => ({ detail, at }))
    .filter(({ detail }) => isFor(detail, call.locations));
  if (applicable.length === 0) return [];
  const covering = applicable.filter(({ detail }) => covers(detail, call));
  if (covering.length === 0) return undefined;
  if (covering.some(({ detail }) => detail['max_calls'] === undefined)) return [];
  return covering.map(({ detail, at }) => ({ at, max: callsOf(detail['max_calls']) }));
}

function callsOf(max: JsonValue | undefined): number {
  return typeof max === 'number' && Number.isSafeInteger(max) ? max : 0;
}

function isFor({ locations }: JsonObject, here: readonly string[]): boolean {
  return !Array.isArray(locations) || locations.some((location) => here.includes(location as string));
}

/** Each member that the gateway understands must allow the call; what else an object says is for the upstream to read in the mandate. */
function covers(detail: JsonObject, call: DetailedCall): boolean {
  return (
    (detail['valid_until'] === undefined || isAhead(detail['valid_until'], call.now)) &&
    (detail['actions'] === undefined || actionsCover(detail['actions'], call)) &&
    operationsCover(detail, call)
  );
}

function isAhead(end: JsonValue, now: number): boolean {
  return typeof end === 'string' && (parseTime(end) ?? 0) > now;
}

/** An action is named by what the resource declares: the scopes that a call needs, all of them, its method, or its tool. */
function actionsCover(actions: JsonValue, { scopes, method, tool }: DetailedCall): boolean {
  if (!Array.isArray(actions)) return false;
  const named = new Set<unknown>(actions);
  if (named.has(method) || (tool !== undefined && named.has(tool))) return true;
  return scopes !== undefined && scopes.size > 0 && [...scopes].every((scope) => named.has(scope));
}

interface CompiledDetail {
  /** What `method` and `path` together allow; undefined when neither is there. */
  readonly whole?: OperationTable | undefined;
  /** What `operations` allow; undefined when they are not there. */
  readonly listed?: { readonly table: OperationTable; readonly tools: ReadonlySet<string> } | undefined;
}

/** A verified token's claims are kept while it is in use, and with them what was made of its details. */
const COMPILED = new WeakMap<JsonObject, CompiledDetail>();

function operationsCover(detail: JsonObject, { method, path, tool }: DetailedCall): boolean {
  const { whole, listed } = compiled(detail);
  if (whole && !matchOperation(whole, method, path)) return false;
  if (!listed) return true;
  return (tool !== undefined && listed.tools.has(tool)) || matchOperation(listed.table, method, path) !== undefined;
}

function compiled(detail: JsonObject): CompiledDetail {
  const known = COMPILED.get(detail);
  if (known) return known;
  const { operations, method = '*', path = '/**' } = detail;
  const made = {
    whole: detail['method'] === undefined && detail['path'] === undefined ? undefined : tableOf([{ method, path }]),
    listed: operations === undefined ? undefined : listedOf(operations),
  };
  COMPILED.set(detail, made);
  return made;
}

function listedOf(operations: JsonValue): NonNullable<CompiledDetail['listed']> {
  const listed = Array.isArray(operations) ? (operations as readonly JsonValue[]).filter(isJsonObject) : [];
  const tools = listed.map((one) => one['mcp_tool']).filter((tool) => typeof tool === 'string');
  return { table: tableOf(listed), tools: new Set(tools) };
}

function tableOf(operations: readonly JsonObject[]): OperationTable {
  return compileOperations(
    operations.flatMap(({ method, path }) =>
      typeof method === 'string' && typeof path === 'string' ? [{ method, path, scopes: [] }] : [],
    ),
  );
}
