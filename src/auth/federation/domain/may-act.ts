import type { JsonObject, JsonValue } from '../../../kernel/json.js';

/** Who acts, in the names that `may_act` identifies an actor by. */
export interface ActingParty {
  readonly iss: string;
  readonly sub: string;
  readonly client_id: string;
  readonly sid?: string | undefined;
}

const NAMES: readonly (keyof ActingParty)[] = ['iss', 'sub', 'client_id', 'sid'];

/**
 * True when a subject token's `may_act` names this actor (RFC 8693 §4.4): every member it has must be the actor's. A member that is not known here
 * cannot be compared and therefore refuses, and so does a claim that names nobody. Without the claim, nobody is ruled out.
 */
export function mayAct(claim: JsonObject | undefined, actor: ActingParty): boolean {
  if (claim === undefined) return true;
  const members = Object.entries(claim);
  return members.length > 0 && members.every(([name, value]) => names(actor, name, value));
}

function names(actor: ActingParty, name: string, value: JsonValue): boolean {
  return NAMES.includes(name as keyof ActingParty) && actor[name as keyof ActingParty] === value;
}
