/** DI token of the {@link RouteGate} in front of routes with `@ControlAccess()`, which control provides. */
export const CONTROL_GATE = Symbol('ControlGate');

/** Whether routes serve at all, asked before anything of a request to them is parsed. */
export interface RouteGate {
  /** Why they do not; undefined when they do. The caller hears only that they do not. */
  fault(): Promise<string | undefined>;
}
