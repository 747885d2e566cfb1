/** What an administrator may be allowed to do; a token's capabilities are a set of these. */
export const CAPABILITIES = ['read', 'write', 'approve', 'audit', 'bootstrap'] as const;
export type Capability = (typeof CAPABILITIES)[number];

export interface AdminAccessOptions {
  /** A token that is bound to zones may call this route although it names no zone; the handler shows it no other zone's objects. */
  readonly zoneBound?: boolean;
  /** A capability that is needed besides. */
  readonly also?: Capability;
  /** A monitoring system may call it: without a token while the server is bound to loopback, else with the metrics token as well. */
  readonly scrape?: boolean;
}

export interface ControlAccessOptions {
  /** Admin tokens with this capability may call it too. */
  readonly administrators?: Capability;
}

/** Who may call a route. The guards of `auth` enforce it; the body parsers and error filters go by it. */
export type Access =
  | { readonly kind: 'public' }
  | ({ readonly kind: 'admin'; readonly capability: Capability } & AdminAccessOptions)
  | { readonly kind: 'runtime' }
  | ({ readonly kind: 'control' } & ControlAccessOptions)
  | { readonly kind: 'oauth' }
  | { readonly kind: 'page' };
