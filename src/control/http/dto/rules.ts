import { IsInt, IsString, Matches, Max, MaxLength, Min, ValidateBy, ValidateIf } from 'class-validator';
import { parseTime } from '../../../kernel/times.js';
import { isLabel, LABEL_RULE } from '../../domain/labels.js';
import { isScopeName, SCOPE_RULE } from '../../domain/resources/scope-names.js';
import { isSlug, SLUG_RULE } from '../../domain/slug.js';

/** At least one visible character; no control characters and none that turn the direction of what stands around it. */
const NAME = /^(?=.*[^\s])[^\p{Cc}\p{Cs}\u202a-\u202e\u2066-\u2069]*$/u;
const MOST_NAME = 200;
const MOST_ID = 128;

/** The member may be left out; null is no way of leaving it out. */
export function Optional(): PropertyDecorator {
  return ValidateIf((_, value) => value !== undefined);
}

/** The member may be left out, and null takes its value away. */
export function Clearable(): PropertyDecorator {
  return ValidateIf((_, value) => value !== undefined && value !== null);
}

/** A text for people. */
export function IsName(): PropertyDecorator {
  return all(
    Matches(NAME, { message: `must be 1–${MOST_NAME} characters without control characters, like Billing API` }),
    MaxLength(MOST_NAME),
    IsString(),
  );
}

export function IsSlug(): PropertyDecorator {
  return rule('isSlug', isSlug, SLUG_RULE);
}

/** A text of at most so many characters that every store and log can hold as it is. */
export function IsText(most: number): PropertyDecorator {
  return all(
    Matches(/^\P{Cc}*$/u, { message: `must be at most ${most} characters without control characters` }),
    MaxLength(most),
    IsString(),
  );
}

/** An id of another object; whether there is one is asked later. */
export function IsReference(): PropertyDecorator {
  return IsText(MOST_ID);
}

export function IsUrlText(): PropertyDecorator {
  return IsText(2_048);
}

export function IsTime(): PropertyDecorator {
  return rule(
    'isTime',
    (value) => typeof value === 'string' && parseTime(value) !== undefined,
    'must be an RFC 3339 time, like 2030-01-31T12:00:00Z',
  );
}

export function IsWhole(least: number, most: number): PropertyDecorator {
  return all(Max(most), Min(least), IsInt());
}

/** Each item is a session label. */
export function AreLabels(): PropertyDecorator {
  return eachOf('areLabels', isLabel, LABEL_RULE);
}

export function IsLabel(): PropertyDecorator {
  return rule('isLabel', isLabel, LABEL_RULE);
}

/** Each item is a scope name. */
export function AreScopeNames(): PropertyDecorator {
  return eachOf('areScopeNames', isScopeName, SCOPE_RULE);
}

/** A JSON object whose members are judged by rules of their own. */
export function IsMembers(): PropertyDecorator {
  return rule(
    'isMembers',
    (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
    'must be a JSON object',
  );
}

function rule(name: string, validate: (value: unknown) => boolean, message: string): PropertyDecorator {
  return ValidateBy({ name, validator: { validate, defaultMessage: () => message } });
}

function eachOf(name: string, validate: (value: unknown) => boolean, message: string): PropertyDecorator {
  return ValidateBy({ name, validator: { validate, defaultMessage: () => `each item ${message}` } }, { each: true });
}

/** The checks of a property run from the last one to the first, and the first fault is reported. */
function all(...decorators: readonly PropertyDecorator[]): PropertyDecorator {
  return (target, property) => {
    for (const decorate of decorators) decorate(target, property);
  };
}
