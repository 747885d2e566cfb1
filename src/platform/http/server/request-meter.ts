/** DI token of the {@link RequestMeter}, which the metrics part provides. */
export const REQUEST_METER = Symbol('RequestMeter');

/** What is counted of each request. */
export interface RequestMeter {
  observe(request: { method: string; route: string; status: number; seconds: number }): void;
}
