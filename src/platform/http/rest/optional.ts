import { ValidateIf } from 'class-validator';

/** The member may be left out; null is no way of leaving it out. */
export function Optional(): PropertyDecorator {
  return ValidateIf((_, value) => value !== undefined);
}
