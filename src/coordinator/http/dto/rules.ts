import { IsInt, IsString, Matches, Max, MaxLength, Min, ValidateBy } from 'class-validator';
import { JSONSchema } from 'class-validator-jsonschema';
import type { JsonObject } from '../../../kernel/json.js';

export { Optional } from '../../../platform/http/index.js';

/** An id of another object; whether there is one is asked later. Control characters are in no id, and PostgreSQL takes no NUL in any text. */
export function IsReference(most = 128): PropertyDecorator {
  return all(
    Matches(/^[^\p{Cc}\p{Cs}]+$/u, { message: 'must hold no control characters' }),
    MaxLength(most),
    IsString(),
  );
}

/** A short text for people, as it goes into the ledger. */
export function IsReason(): PropertyDecorator {
  const message = 'must be 1–500 characters without control characters';
  return all(Matches(/^(?=.*\S)[^\p{Cc}\p{Cs}]+$/u, { message }), MaxLength(500, { message }), IsString());
}

export function IsWhole(least: number, most: number): PropertyDecorator {
  return all(Max(most), Min(least), IsInt());
}

/** A rule of its own: its name, what it says of a value that breaks it, and what the description of the API says. */
export interface OwnRule {
  readonly name: string;
  readonly message: string;
  readonly schema: JsonObject;
}

/** The value is what `judge` says it must be. */
export function Satisfies(judge: (value: unknown) => boolean, { name, message, schema }: OwnRule): PropertyDecorator {
  const describe = JSONSchema(() => schema) as PropertyDecorator;
  return all(ValidateBy({ name, validator: { validate: judge, defaultMessage: () => message } }), describe);
}

/** The checks of a property run from the last one to the first, and the first fault is reported. */
function all(...decorators: readonly PropertyDecorator[]): PropertyDecorator {
  return (target, property) => {
    for (const decorate of decorators) decorate(target, property);
  };
}
