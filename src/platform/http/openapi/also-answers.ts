import { SetMetadata } from '@nestjs/common';

export const ALSO_ANSWERS = Symbol('caracal:also-answers');

/** Statuses of success that a handler sets itself, besides the one that its route declares: for the description of the API. */
export function AlsoAnswers(...statuses: readonly number[]): MethodDecorator {
  return SetMetadata(ALSO_ANSWERS, statuses);
}
