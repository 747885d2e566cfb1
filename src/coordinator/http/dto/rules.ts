import { IsInt, IsString, Max, MaxLength, Min, ValidateBy, ValidateIf } from 'class-validator';

/** The member may be left out; null is no way of leaving it out. */
export function Optional(): PropertyDecorator {
  return ValidateIf((_, value) => value !== undefined);
}

/** An id of another object; whether there is one is asked later. */
export function IsReference(most = 128): PropertyDecorator {
  return all(Satisfies('isReference', isVisible, 'must hold no control characters'), MaxLength(most), IsString());
}

/** A short text for people, as it goes into the ledger. */
export function IsReason(): PropertyDecorator {
  return all(Satisfies('isReason', isPrintable, 'must be 1–500 characters without control characters'), IsString());
}

export function IsWhole(least: number, most: number): PropertyDecorator {
  return all(Max(most), Min(least), IsInt());
}

/** The value is what `judge` says it must be. */
export function Satisfies(name: string, judge: (value: unknown) => boolean, message: string): PropertyDecorator {
  return ValidateBy({ name, validator: { validate: judge, defaultMessage: () => message } });
}

/** Control characters are in no id, and PostgreSQL takes no NUL in any text. */
function isVisible(value: unknown): boolean {
  return typeof value === 'string' && /^[^\p{Cc}\p{Cs}]+$/u.test(value);
}

function isPrintable(value: unknown): boolean {
  return typeof value === 'string' && value.length <= 500 && /^(?=.*\S)[^\p{Cc}\p{Cs}]+$/u.test(value);
}

/** The checks of a property run from the last one to the first, and the first fault is reported. */
function all(...decorators: readonly PropertyDecorator[]): PropertyDecorator {
  return (target, property) => {
    for (const decorate of decorators) decorate(target, property);
  };
}
