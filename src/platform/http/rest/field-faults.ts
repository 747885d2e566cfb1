import { getMetadataStorage, type ValidationError } from 'class-validator';
import type { FieldFault } from '../../../kernel/app-error.js';
import type { JsonObject, JsonValue } from '../../../kernel/json.js';
import { memberExamples } from '../openapi/schemas.js';
import { ruleOf } from './member-rules.js';

type Class = new () => object;

const LONGEST_EXAMPLE = 240;
/** A rule that shows what it wants needs no example. */
const SHOWS = /\blike |\bone of |true or false|^must be \d+$/;
const KNOWN_SHOWN = 40;

interface Check {
  readonly propertyName: string;
  readonly name?: string | undefined;
  readonly constraints?: readonly unknown[] | undefined;
  readonly message?: unknown;
  readonly each?: boolean | undefined;
}

const examples = new WeakMap<Class, JsonObject>();

/** Every fault as its field, the rule that it breaks and what would be right, like `days: must be at least 30, like 365`. */
export function fieldFaults(errors: readonly ValidationError[], parent = ''): FieldFault[] {
  return errors.flatMap((error) => {
    const field = parent === '' ? error.property : `${parent}.${error.property}`;
    const own = Object.entries(error.constraints ?? {}).map(([check, given]) => ({
      field,
      message: messageOf(error, check, given),
    }));
    return [...own, ...fieldFaults(error.children ?? [], field)];
  });
}

function messageOf({ target, property, value }: ValidationError, check: string, given: string): string {
  const dto = target?.constructor as Class | undefined;
  if (!dto) return given;
  if (check === 'whitelistValidation') return `is not known here; known are ${knownMembers(dto)}`;
  const rule = ruleText(checkOf(dto, property, check), check, given);
  const example = SHOWS.test(rule) ? undefined : shown(examplesOf(dto)[property]);
  const told = example === undefined ? rule : `${rule}, like ${example}`;
  // What may be left out is not judged when it is.
  return value === undefined ? `is required: it ${told}` : told;
}

function ruleText(declared: Check | undefined, check: string, given: string): string {
  if (declared?.message !== undefined) return given;
  const rule = ruleOf(check, declared?.constraints ?? []) ?? given;
  return declared?.each && check !== 'nestedValidation' ? `each item ${rule}` : rule;
}

function checkOf(dto: Class, property: string, check: string): Check | undefined {
  return checksOf(dto).find((one) => one.propertyName === property && one.name === check);
}

function checksOf(dto: Class): readonly Check[] {
  return getMetadataStorage().getTargetValidationMetadatas(dto, '', false, false);
}

function knownMembers(dto: Class): string {
  const names = [...new Set(checksOf(dto).map(({ propertyName }) => propertyName))].sort();
  return names.length > KNOWN_SHOWN ? `${names.slice(0, KNOWN_SHOWN).join(', ')}, …` : names.join(', ');
}

function examplesOf(dto: Class): JsonObject {
  const known = examples.get(dto) ?? memberExamples(dto);
  examples.set(dto, known);
  return known;
}

function shown(example: JsonValue | undefined): string | undefined {
  if (example === undefined) return undefined;
  const text = typeof example === 'string' ? example : JSON.stringify(example);
  return text === '' || text.length > LONGEST_EXAMPLE ? undefined : text;
}
