import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import type { FieldFault } from '../../../kernel/app-error.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../../../kernel/json.js';
import { parseTime } from '../../../kernel/times.js';
import { costFault, LINEAR_PATTERNS } from '../schemas/bounded-schema.js';
import { fits } from './predicates.js';

/** A type of authorization details (RFC 9396 §2) that a resource knows. */
export interface DetailType {
  readonly type: string;
  /** JSON Schema (2020-12) of its objects; what it does not name is refused. */
  readonly schema: JsonObject;
  readonly description?: string;
}

export const MOST_DETAIL_TYPES = 50;
const MOST_SCHEMA_BYTES = 16_384;
const MOST_SCHEMA_DEPTH = 16;
/** RFC 9396 §2.1: a type is a text, often a URI. */
const TYPE_NAME = /^[!#-[\]-~]{1,128}$/;
const TEXTS: JsonObject = { type: 'array', minItems: 1, items: { type: 'string' } };

/** Members that every object may have: which type it is of and which resources it is for (RFC 9396 §2.2). */
const ALWAYS: JsonObject = { locations: TEXTS };
/** Members that limit a call and that the gateway enforces whatever the type is. */
const ENFORCED: JsonObject = {
  actions: TEXTS,
  method: { type: 'string' },
  path: { type: 'string' },
  operations: { type: 'array', minItems: 1, items: { type: 'object' } },
  valid_until: { type: 'string' },
  max_calls: { type: 'integer' },
};

/** What is wrong with the types of a resource: names, and schemas that cannot be compiled or could not be trusted with a client's input. */
export function detailTypeFaults(types: readonly DetailType[]): readonly FieldFault[] {
  const names = types.map(({ type }) => type);
  return types.flatMap(({ type, schema }, at) => {
    const field = `authorization_details_types.${at}`;
    if (!TYPE_NAME.test(type))
      return [{ field: `${field}.type`, message: 'must be 1–128 visible ASCII characters without quotes' }];
    if (names.indexOf(type) !== at) return [{ field: `${field}.type`, message: 'is named twice' }];
    const message = schemaFault(type, schema);
    return message === undefined ? [] : [{ field: `${field}.schema`, message }];
  });
}

/** Whether a value is an object of this type; compiled once, at the first question. */
export function detailMatcher({ type, schema }: DetailType, enforced: boolean): (value: JsonObject) => boolean {
  let validate: ValidateFunction | undefined;
  return (value) => fits((validate ??= compile(type, schema, enforced)), value);
}

function schemaFault(type: string, schema: JsonObject): string | undefined {
  if (Buffer.byteLength(JSON.stringify(schema)) > MOST_SCHEMA_BYTES)
    return `must be at most ${MOST_SCHEMA_BYTES} bytes`;
  if (schema['type'] !== undefined && schema['type'] !== 'object') return 'must describe an object';
  if (schema['properties'] !== undefined && !isJsonObject(schema['properties'])) return 'must be a JSON Schema';
  const refused = refusedPart(schema, 0);
  if (refused !== undefined) return refused;
  try {
    compile(type, schema, true);
    return costFault(schema);
  } catch (error) {
    return `must be a JSON Schema (2020-12) without references to elsewhere, its patterns without look-around and back references: ${error instanceof Error ? error.message.slice(0, 200) : ''}`;
  }
}

/** Keywords that name another schema, change what validating means, or hold patterns of their own. */
const REFUSED: readonly string[] = ['$async', '$id', '$anchor', '$dynamicAnchor', '$dynamicRef', 'patternProperties'];

function refusedPart(value: JsonValue, depth: number): string | undefined {
  if (depth > MOST_SCHEMA_DEPTH) return 'is nested too deep';
  if (typeof value !== 'object' || value === null) return undefined;
  for (const [name, member] of Object.entries<JsonValue>(value as JsonObject)) {
    const fault = REFUSED.includes(name) ? `must not use ${name}` : refusedPart(member, depth + 1);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

/** What the schema does not name is refused (RFC 9396 §5), unless it says itself what it does with the rest. */
function compile(type: string, schema: JsonObject, enforced: boolean): ValidateFunction {
  const closes = ['additionalProperties', 'unevaluatedProperties'].some((name) => schema[name] !== undefined);
  const own = isJsonObject(schema['properties']) ? schema['properties'] : {};
  const properties = { ...ALWAYS, ...(enforced ? ENFORCED : {}), ...own, type: { const: type } };
  const ajv = new Ajv2020({
    strict: true,
    strictTypes: false,
    strictRequired: false,
    strictTuples: false,
    logger: false,
    code: LINEAR_PATTERNS,
    ownProperties: true,
    formats: {
      'date-time': (text: string) => parseTime(text) !== undefined,
      uri: (text: string) => URL.canParse(text),
    },
  });
  return ajv.compile({ ...schema, type: 'object', properties, ...(closes ? {} : { unevaluatedProperties: false }) });
}
