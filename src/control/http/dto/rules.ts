import { IsInt, IsObject, IsString, Matches, Max, MaxLength, Min, ValidateBy, ValidateIf } from 'class-validator';
import { JSONSchema } from 'class-validator-jsonschema';
import { parseTime } from '../../../kernel/times.js';
import { LABEL, LABEL_RULE } from '../../domain/labels.js';
import { SCOPE_NAME, SCOPE_RULE } from '../../domain/resources/scope-names.js';
import { SLUG, SLUG_RULE } from '../../domain/slug.js';

/** At least one visible character; no control characters and none that turn the direction of what stands around it. */
const NAME = /^(?=.*\S)[^\p{Cc}\p{Cs}\u202a-\u202e\u2066-\u2069]*$/u;
const MOST_NAME = 200;
const MOST_ID = 128;

/** A schema under construction; the library knows no narrower type. */
type Schema = Parameters<typeof JSONSchema>[0] & { type?: unknown };

export { Optional } from '../../../platform/http/index.js';

/** The member may be left out, and null takes its value away. */
export function Clearable(): PropertyDecorator {
  return all(
    ValidateIf((_, value) => value !== undefined && value !== null),
    documented((schema) => ({ anyOf: [schema, { type: 'null' }] })),
  );
}

/** Changes what the API description says of a member. */
export function documented(change: (schema: Schema) => object): PropertyDecorator {
  return JSONSchema(change as Parameters<typeof JSONSchema>[0]) as PropertyDecorator;
}

/** A text for people. */
export function IsName(): PropertyDecorator {
  const message = `must be 1–${MOST_NAME} characters without control characters, like Billing API`;
  return all(Matches(NAME, { message }), MaxLength(MOST_NAME), IsString());
}

export function IsSlug(): PropertyDecorator {
  return all(Matches(SLUG, { message: SLUG_RULE }), IsString());
}

/** A text of at most so many characters that every store and log can hold as it is. */
export function IsText(most: number): PropertyDecorator {
  const message = `must be at most ${most} characters without control characters`;
  return all(Matches(/^\P{Cc}*$/u, { message }), MaxLength(most), IsString());
}

/** An id of another object; whether there is one is asked later. */
export function IsReference(): PropertyDecorator {
  return IsText(MOST_ID);
}

export function IsUrlText(): PropertyDecorator {
  return IsText(2_048);
}

export function IsTime(): PropertyDecorator {
  const message = 'must be an RFC 3339 time, like 2030-01-31T12:00:00Z';
  const validate = (value: unknown): boolean => typeof value === 'string' && parseTime(value) !== undefined;
  return all(
    ValidateBy({ name: 'isTime', validator: { validate, defaultMessage: () => message } }),
    IsString({ message }),
    documented((schema) => ({ ...schema, format: 'date-time' })),
  );
}

export function IsWhole(least: number, most: number): PropertyDecorator {
  return all(Max(most), Min(least), IsInt());
}

/** Each item is a session label. */
export function AreLabels(): PropertyDecorator {
  return Matches(LABEL, { each: true, message: `each item ${LABEL_RULE}` });
}

export function IsLabel(): PropertyDecorator {
  return all(Matches(LABEL, { message: LABEL_RULE }), IsString());
}

/** Each item is a scope name. */
export function AreScopeNames(): PropertyDecorator {
  return Matches(SCOPE_NAME, { each: true, message: `each item ${SCOPE_RULE}` });
}

/** A JSON object whose members are judged by rules of their own. */
export function IsMembers(): PropertyDecorator {
  return IsObject({ message: 'must be a JSON object' });
}

/** The checks of a property run from the last one to the first, and the first fault is reported. */
function all(...decorators: readonly PropertyDecorator[]): PropertyDecorator {
  return (target, property) => {
    for (const decorate of decorators) decorate(target, property);
  };
}
