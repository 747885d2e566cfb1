export type TokenClassName = 'application' | 'session' | 'mandate' | 'upstream' | 'control';

/** How long tokens of each class may live, in seconds. */
const LIFETIMES: Readonly<Record<TokenClassName, { readonly normal: number; readonly most: number }>> = {
  application: { normal: 900, most: 3600 },
  session: { normal: 900, most: 900 },
  mandate: { normal: 300, most: 900 },
  upstream: { normal: 60, most: 60 },
  control: { normal: 300, most: 300 },
};

export interface LifetimeRequest {
  /** Whole seconds since the epoch: the token's `iat`. */
  readonly issuedAt: number;
  /** Seconds asked for; undefined when `lifetime` was omitted. */
  readonly asked?: number | undefined;
  /** When each ancestor ends, in milliseconds since the epoch: tokens, session or lease, delegations, application, grants. */
  readonly ancestors: readonly number[];
}

export type Lifetime =
  | { readonly ok: true; readonly expiresAt: number }
  | { readonly ok: false; readonly fault: 'beyond_class' | 'ancestor_ended' };

/**
 * Guarantees an expiry, in whole seconds since the epoch, that is after `issuedAt`, within the class's cap and not later than any ancestor.
 * Asking beyond the class's cap is refused; asking beyond an ancestor's remaining life is shortened to it.
 */
export function narrowLifetime(of: TokenClassName, request: LifetimeRequest): Lifetime {
  const rule = LIFETIMES[of];
  const asked = request.asked ?? rule.normal;
  if (!Number.isInteger(asked) || asked < 1 || asked > rule.most) return { ok: false, fault: 'beyond_class' };
  const ends = request.ancestors.map((end) => Math.floor(end / 1000));
  const expiresAt = Math.min(request.issuedAt + asked, ...ends);
  return expiresAt > request.issuedAt ? { ok: true, expiresAt } : { ok: false, fault: 'ancestor_ended' };
}
