import { isJsonObject } from '../../../kernel/json.js';
import { parseTime } from '../../../kernel/times.js';

/**
 * True for constraints that every use of a delegation is held to. A constraint that nobody would check must not look as if it held, so others
 * are refused.
 */
export function areConstraints(value: unknown): boolean {
  if (!isJsonObject(value)) return false;
  return Object.entries(value).every(
    ([name, item]) => name === 'not_before' && typeof item === 'string' && parseTime(item) !== undefined,
  );
}
