/** DI token of {@link PriorEffects}, which the ledger provides. */
export const PRIOR_EFFECTS = Symbol('PriorEffects');

/** Says what became of a request whose process died before its answer was kept. */
export interface PriorEffects {
  /** Whether the request changed anything in the zone: what it changed is in the ledger. */
  tookEffect(zone: string, requestId: string): Promise<boolean>;
}
