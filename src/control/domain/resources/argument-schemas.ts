import type { FieldFault } from '../../../kernel/app-error.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../../../kernel/json.js';
import { compilePredicate, type Predicate, schemaFault } from './predicates.js';

/** What each argument of a tool must be, by its name: a JSON Schema (2020-12). One with `optional: true` beside its keywords may be absent. */
export type ArgumentSchemas = Readonly<Record<string, JsonObject>>;

/** Types that policies can read. */
const READABLE: ReadonlySet<unknown> = new Set(['string', 'integer', 'boolean']);
const MOST_ARGUMENTS = 32;
/** What policies read and the ledger keeps has an end. */
const LONGEST_TEXT = 4_096;
const NAME = /^(?!__)[A-Za-z_][A-Za-z0-9_-]{0,63}$/;

/** What is wrong with declared arguments; fields are relative to the operation. */
export function argumentFaults(schemas: Readonly<Record<string, JsonValue>>): readonly FieldFault[] {
  const entries = Object.entries(schemas);
  if (entries.length === 0 || entries.length > MOST_ARGUMENTS)
    return [{ field: 'args', message: `must name 1–${MOST_ARGUMENTS} arguments` }];
  return entries.flatMap(([name, schema]) => {
    const message = NAME.test(name)
      ? argumentFault(schema)
      : 'must be named by a letter and then letters, digits, _ and -';
    return message === undefined ? [] : [{ field: `args.${name}`, message }];
  });
}

function argumentFault(declared: JsonValue): string | undefined {
  if (!isJsonObject(declared)) return 'must be a JSON Schema, like {"type":"integer","maximum":100}';
  const { optional, ...schema } = declared;
  if (optional !== undefined && typeof optional !== 'boolean') return 'optional must be a boolean';
  return schemaFault('args', schema);
}

/** The names of arguments that policies and the ledger see: those whose schema says that they are texts, integers or truth values. */
export function readableArguments(schemas: ArgumentSchemas): readonly string[] {
  return Object.keys(schemas).filter((name) => READABLE.has(schemas[name]?.['type']));
}

/** True for arguments that are all as declared. What is not declared may be anything. */
export function compileArguments(schemas: ArgumentSchemas): (args: JsonObject) => boolean {
  const rules = Object.entries(schemas).map(([name, { optional, ...schema }]) => ({
    name,
    optional: optional === true,
    readable: READABLE.has(schema['type']),
    fits: compilePredicate('args', schema),
  }));
  return (args) =>
    rules.every(({ name, ...rule }) => (Object.hasOwn(args, name) ? accepts(rule, args[name]) : rule.optional));
}

function accepts({ readable, fits }: { readable: boolean; fits: Predicate }, value: JsonValue | undefined): boolean {
  return (!readable || isExact(value)) && fits(value);
}

/** What everyone who reads it reads alike: integers that no parser rounds, texts that the ledger can keep. */
function isExact(value: JsonValue | undefined): boolean {
  if (typeof value === 'number') return Number.isSafeInteger(value);
  return typeof value === 'string' ? value.length <= LONGEST_TEXT : true;
}

/** The schemas of operations, as those who match calls use them. */
export const OPERATION_SCHEMAS = { compilePredicate, compileArguments, readableArguments } as const;
