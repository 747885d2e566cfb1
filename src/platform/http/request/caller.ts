import type { FastifyRequest } from 'fastify';

/** Who was authenticated, as far as the edge needs to know: to scope keys and to log. */
export interface Caller {
  /** A public id that is the caller's alone within the zone. */
  readonly id: string;
  /** The zone the call is for; `_system` for calls that belong to none. */
  readonly zone: string;
  /** Whether the same credential would still be let in now; absent where it cannot have changed. For answers that go on for long. */
  readonly stands?: () => Promise<boolean>;
}

const KNOWN = Symbol('caracal:caller');

interface WithCaller {
  [KNOWN]?: Caller;
}

/** Said by the guard that authenticated the request. */
export function setCaller(request: FastifyRequest, caller: Caller): void {
  (request as FastifyRequest & WithCaller)[KNOWN] = caller;
}

/** Throws when no guard has said it: what is scoped to a caller must never be shared by the anonymous. */
export function callerOf(request: FastifyRequest): Caller {
  const caller = (request as FastifyRequest & WithCaller)[KNOWN];
  if (!caller) throw new Error('the route has no authenticated caller');
  return caller;
}
