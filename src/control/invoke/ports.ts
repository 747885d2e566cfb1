import type { JsonObject } from '../../kernel/json.js';
import type { ControlPrincipal } from '../../auth/index.js';
import type { ResourceView, ZoneView } from '../catalogue/views.js';

/** DI token of the {@link ControlDecision}, which the gateway provides. */
export const CONTROL_DECISION = Symbol('ControlDecision');

export interface ControlQuestion {
  readonly zone: ZoneView;
  /** The zone's control resource. */
  readonly resource: ResourceView;
  readonly principal: ControlPrincipal;
  /** The scope of the command. */
  readonly scope: string;
  readonly address: string;
  readonly now: number;
}

/** Whether an agent may give a command now: the one decision of exchange and gateway, asked once more at use. */
export interface ControlDecision {
  /** The policy record of a permission, or the reasons of a refusal. Rejects when nobody can decide. */
  decide(question: ControlQuestion): Promise<{ readonly policy: JsonObject } | { readonly refused: readonly string[] }>;
}
