import type { FieldFault } from '../../../kernel/app-error.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../../../kernel/json.js';
import type { CommandInputs } from './command.js';

const MOST_ARGUMENTS = 32;
const LONGEST_TEXT = 8 * 1024;

/** Arguments sorted to where the use case takes them. */
export interface SortedArguments {
  readonly params: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
  readonly body: JsonObject;
  readonly headers: Readonly<Record<string, string>>;
}

/** Every fault of the arguments' form; what they mean is judged by the use case itself. */
export function argumentFaults(args: JsonObject, inputs: CommandInputs): readonly FieldFault[] {
  const names = Object.keys(args);
  if (names.length > MOST_ARGUMENTS)
    return [{ field: 'args', message: `must not hold more than ${MOST_ARGUMENTS} members` }];
  const known = new Set([...inputs.path, ...inputs.query, ...inputs.body, ...(inputs.conditional ? ['if_match'] : [])]);
  const unknown = names.filter((name) => !known.has(name)).map((name) => fault(name, 'is no argument of this command'));
  const long = names
    .filter((name) => hasLongText(args[name] as JsonValue))
    .map((name) => fault(name, `must not hold texts longer than ${LONGEST_TEXT} bytes`));
  const texts = [...inputs.path, ...(inputs.conditional ? ['if_match'] : [])];
  const missing = texts
    .filter((name) => typeof args[name] !== 'string' || args[name] === '')
    .map((name) => fault(name, 'must be a text'));
  const nested = inputs.query
    .filter((name) => name in args && !isScalar(args[name] as JsonValue))
    .map((name) => fault(name, 'must be a text, a number or a boolean'));
  return [...unknown, ...long, ...missing, ...nested];
}

/** Where each argument goes; they have no {@link argumentFaults}. */
export function sortArguments(args: JsonObject, inputs: CommandInputs, zone: string): SortedArguments {
  const texts = (names: readonly string[]): Record<string, string> =>
    Object.fromEntries(names.filter((name) => name in args).map((name) => [name, textOf(args[name])]));
  return {
    params: { ...texts(inputs.path), ...(inputs.zoneName === undefined ? {} : { [inputs.zoneName]: zone }) },
    query: texts(inputs.query),
    body: Object.fromEntries(inputs.body.filter((name) => name in args).map((name) => [name, args[name] as JsonValue])),
    headers: inputs.conditional ? { 'if-match': textOf(args['if_match']) } : {},
  };
}

/** A scalar as it would stand in a URL. */
function textOf(value: JsonValue | undefined): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function fault(name: string, message: string): FieldFault {
  return { field: `args.${name}`, message };
}

function isScalar(value: JsonValue): boolean {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
}

function hasLongText(value: JsonValue): boolean {
  if (typeof value === 'string') return Buffer.byteLength(value) > LONGEST_TEXT;
  if (Array.isArray(value)) return value.some(hasLongText);
  if (!isJsonObject(value)) return false;
  return Object.entries(value).some(([name, inner]) => Buffer.byteLength(name) > LONGEST_TEXT || hasLongText(inner));
}
