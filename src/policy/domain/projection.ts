import type { JsonObject } from '../../kernel/json.js';
import type { PolicyInput } from './policy-input.js';

/** The members of the context that differ from request to request, with the word a policy cannot read them without. */
const VARYING = ['subject', 'depth', 'chain', 'operation', 'address', 'time', 'approved'] as const;

/** Reduces an input to what a text of policies can read; two inputs with the same key get the same verdict from it. */
export type MemoKey = (input: PolicyInput) => string;

/**
 * The key under which verdicts of these policies may be remembered. A member is left out only when its name does not occur in the text at all;
 * the session's id only when the text names no session. A text that handles the context as a whole keeps everything.
 */
export function memoKey(text: string): MemoKey {
  const whole = handlesWhole(text);
  const read = VARYING.filter((name) => whole || text.includes(name));
  const namesSessions =
    whole || /\bSession\s*::/.test(text) || /principal\s*(?:==|!=)|(?:==|!=)\s*principal/.test(text);
  return ({ principal, action, resource, context, approval }) =>
    JSON.stringify([
      namesSessions ? principal : withoutId(principal),
      action,
      resource,
      read.map((name) => context[name] ?? null),
      ...(approval ? [approval.rules, approval.operation] : []),
    ]);
}

/** True for a text that may read members of the context without naming them: as a whole, or spelled with an escape. */
export function handlesWhole(text: string): boolean {
  return text.includes('\\') || /\bcontext\b(?!\s*(?:\.|\[|has\b))/.test(text);
}

function withoutId(principal: JsonObject): JsonObject {
  if (principal['type'] !== 'Session') return principal;
  const { id: _id, ...rest } = principal;
  return rest;
}

/** Whether policies can read a member of this name: it occurs in their text, or they handle the context as a whole. */
export function mentions(text: string): (name: string) => boolean {
  const whole = handlesWhole(text);
  return (name) => whole || text.includes(name);
}
