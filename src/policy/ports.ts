import type { DecisionFacts } from './domain/decide.js';
import type { Target } from './domain/ceiling.js';

/** Who a question is about: a session, or an application, as if one of its sessions carried these labels when some are named. */
export interface Asker {
  readonly session?: string | undefined;
  readonly application?: string | undefined;
  readonly labels?: readonly string[] | undefined;
}

/** Why nothing can be decided about somebody: a reason code of the ledger, or `unknown` when there is nobody. */
export interface NoFacts {
  readonly fault: string;
}

/** One grant that opens a scope, with what its application may be. */
export interface Holder {
  readonly application: string;
  readonly label?: string | undefined;
  readonly expiresAt?: number | undefined;
  readonly allowedLabels: readonly string[];
}

/** Where the facts of a decision come from when it is only asked about; provided by the module that decides on mandates. */
export interface AuthorityFacts {
  /** A resource by id, identifier or gateway URL. */
  target(zone: string, name: string): Promise<Target | undefined>;
  /** Everything a decision would know about them now. */
  facts(zone: string, asker: Asker, now: number): Promise<DecisionFacts | NoFacts>;
  /** Every live grant of the scope at the resource (by id) whose application is active. */
  holders(zone: string, what: { readonly resource: string; readonly scope: string }, now: number): Promise<Holder[]>;
}

export const AUTHORITY_FACTS = Symbol('caracal:authority-facts');
