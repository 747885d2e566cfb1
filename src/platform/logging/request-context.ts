/** What belongs to one request and is logged when it ends. */
export interface RequestContext {
  readonly requestId: string;
  /** Filled by whoever learns something worth one line per request; written when the request ends. Secrets have no place here. */
  readonly summary: Record<string, unknown>;
}
