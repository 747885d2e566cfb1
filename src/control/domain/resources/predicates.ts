import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import type { FieldFault } from '../../../kernel/app-error.js';
import type { JsonObject } from '../../../kernel/json.js';
import { costFault, LINEAR_PATTERNS } from '../schemas/bounded-schema.js';
import { TextTooLongError } from '../schemas/linear-pattern.js';

/** What a call must look like beyond method and path; each member a JSON Schema (2020-12). */
export interface OperationPredicates {
  /** On an object of the template's `{name}` segments, decoded; texts are read as the type that the schema names. */
  readonly params?: JsonObject;
  /** On an object of the query's members, decoded; likewise. A name that comes more than once is an array. */
  readonly query?: JsonObject;
  /** On the JSON body; a body that is not JSON never passes. */
  readonly body?: JsonObject;
}

export const PREDICATE_PARTS = ['params', 'query', 'body'] as const satisfies readonly (keyof OperationPredicates)[];

/** Where schemas stand: in the predicates of an operation on a path, or one for each argument of a tool. */
export type SchemaPart = keyof OperationPredicates | 'args';

/** True when the value is what the schema describes. The caller must not use the value afterwards: texts in it may have become numbers. */
export type Predicate = (value: unknown) => boolean;

const MOST_CHARACTERS = 16_384;
/** What would have the schema stand for another one, or be looked up elsewhere. */
const IDENTITY = /"\$(?:id|anchor|dynamicAnchor|dynamicRef|recursiveRef|schema|vocabulary)"\s*:/;

/** The schema as a question; throws when it is none. A keyword that is not known is refused, for it would look as if it held. */
export function compilePredicate(part: SchemaPart, schema: JsonObject): Predicate {
  const ajv = new Ajv2020({
    strict: true,
    strictTypes: false,
    strictRequired: false,
    ownProperties: true,
    addUsedSchema: false,
    coerceTypes: part === 'params' || part === 'query',
    logger: false,
    code: LINEAR_PATTERNS,
  });
  const validate: ValidateFunction = ajv.compile(schema);
  return (value) => fits(validate, value);
}

/** What is too long to be judged does not fit, whatever the schema says around the pattern. */
export function fits(validate: ValidateFunction, value: unknown): boolean {
  try {
    return validate(value) === true;
  } catch (error) {
    if (error instanceof TextTooLongError) return false;
    throw error;
  }
}

/** What is wrong with the predicates of one operation, by the member they are in. */
export function predicateFaults(predicates: OperationPredicates): readonly FieldFault[] {
  return PREDICATE_PARTS.flatMap((part) => {
    const schema = predicates[part];
    const message = schema === undefined ? undefined : schemaFault(part, schema);
    return message === undefined ? [] : [{ field: part, message }];
  });
}

/** What keeps a schema from being compiled; undefined when nothing does. */
export function schemaFault(part: SchemaPart, schema: JsonObject): string | undefined {
  const text = JSON.stringify(schema);
  if (text.length > MOST_CHARACTERS) return `must be a JSON Schema of at most ${MOST_CHARACTERS} characters`;
  if (IDENTITY.test(text)) return 'must be one JSON Schema by itself, without $id, $schema and anchors';
  try {
    compilePredicate(part, schema);
    return costFault(schema);
  } catch (error) {
    return `must be a JSON Schema (2020-12): ${(error as Error).message.slice(0, 200)}`;
  }
}
