type Rule = (limit: unknown) => string;

const list = (choices: unknown): string => (Array.isArray(choices) ? choices.join(', ') : String(choices));

/** What each check of the validation library asks for, in our words. A check that is not here must be declared with words of its own. */
const RULES: Readonly<Record<string, Rule>> = {
  arrayMaxSize: (most) => `must have at most ${String(most)} items`,
  arrayMinSize: (least) => `must have at least ${String(least)} ${least === 1 ? 'item' : 'items'}`,
  arrayUnique: () => 'must not name anything twice',
  equals: (value) => `must be ${String(value)}`,
  isArray: () => 'must be a list',
  isBoolean: () => 'must be true or false',
  isIn: (choices) => `must be one of ${list(choices)}`,
  isInt: () => 'must be a whole number',
  isIp: () => 'must be an IP address',
  isNumber: () => 'must be a number',
  isObject: () => 'must be a JSON object',
  isString: () => 'must be a text',
  max: (most) => `must be at most ${String(most)}`,
  maxLength: (most) => `must be at most ${String(most)} characters`,
  min: (least) => `must be at least ${String(least)}`,
  nestedValidation: () => 'must be a JSON object',
};

/** The rule behind a check of the validation library; undefined for one that speaks for itself. */
export function ruleOf(check: string, args: readonly unknown[]): string | undefined {
  if (check === 'isLength') return `must be ${String(args[0])} to ${String(args[1])} characters`;
  return RULES[check]?.(args[0]);
}
