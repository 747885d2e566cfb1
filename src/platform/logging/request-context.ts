import { AsyncLocalStorage } from 'node:async_hooks';

/** What every line that is logged during one request has in common. */
export interface RequestContext {
  readonly requestId: string;
  /** Filled by whoever learns something worth one line per request; written when the request ends. Secrets have no place here. */
  readonly summary: Record<string, unknown>;
}

const storage = new AsyncLocalStorage<RequestContext>();

/** Runs `fn`, and everything that it awaits or starts, inside the request. */
export function runInRequest<T>(context: RequestContext, fn: () => T): T {
  return storage.run(context, fn);
}

/** The request this code runs for; undefined outside of any. */
export function requestContext(): RequestContext | undefined {
  return storage.getStore();
}
