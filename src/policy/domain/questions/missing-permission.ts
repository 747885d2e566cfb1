import type { JsonObject } from '../../../kernel/json.js';
import type { PolicyInput, PolicyScene } from '../policy-input.js';
import { evaluateSafely, type PolicySet } from '../policy-set.js';
import type { PolicyQuestion } from '../decide.js';

/** What would have to be there for a permission. */
export interface MissingPermission {
  readonly scope: string;
  /** A resource by its id; absent where no single one is meant. */
  readonly resource?: string;
  /** `grant`: no grant reaches so far; `permit`: no policy permits it; `no_forbid`: policies forbid it; `approval`: somebody has to decide. */
  readonly needs: 'grant' | 'permit' | 'no_forbid' | 'approval';
  /** The policies that forbid or hold. */
  readonly policies?: readonly string[];
  /** The permits that come closest, and what of them does not hold. */
  readonly nearest?: readonly { readonly policy: string; readonly unmet: readonly string[] }[];
}

/** Finds the permits closest to an input. */
export type NearestPermits = (input: PolicyInput) => MissingPermission['nearest'];

/** For each scope and resource that the policies do not permit, what is missing. */
export function missingPermissions(
  question: PolicyQuestion,
  scene: PolicyScene,
  { set, nearest }: { readonly set: PolicySet; readonly nearest: NearestPermits },
): MissingPermission[] {
  return [...question.scopes].sort().flatMap((scope) =>
    question.resources.flatMap((resource): MissingPermission[] => {
      const input = { ...scene, action: scope, resource };
      const { effect, determining } = evaluateSafely(set, input);
      if (effect === 'permit') return [];
      if (effect === 'hold') return [{ scope, resource, needs: 'approval', policies: determining }];
      if (determining.length > 0) return [{ scope, resource, needs: 'no_forbid', policies: determining }];
      const close = nearest(input);
      return [{ scope, resource, needs: 'permit', ...(close === undefined ? {} : { nearest: close }) }];
    }),
  );
}

/** Scopes that no grant opens. */
export function missingGrants(scopes: Iterable<string>, resource?: string): MissingPermission[] {
  return [...scopes]
    .sort()
    .map((scope) => ({ scope, ...(resource === undefined ? {} : { resource }), needs: 'grant' }));
}

/** As it goes over the wire. */
export function missingBody(missing: readonly MissingPermission[]): JsonObject[] {
  return missing as unknown as JsonObject[];
}
