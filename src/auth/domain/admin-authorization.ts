/** What an admin token may do, as far as a decision needs it. */
export interface AdminRights {
  readonly capabilities: ReadonlySet<string>;
  readonly zones?: ReadonlySet<string>;
}

/** What a route asks for. */
export interface AdminRoute {
  readonly capability: 'read' | 'write' | 'approve' | 'audit' | 'bootstrap';
  /** Needed besides. */
  readonly also?: AdminRoute['capability'] | undefined;
  /** A token bound to zones may call it although it names no zone. */
  readonly zoneBound: boolean;
  /** True for methods that change nothing. */
  readonly reading: boolean;
  /** The route's own pattern, such as `/v1/zones/:zone/approvals`. */
  readonly pattern: string;
  /** The zone in the path, with the state it is in. */
  readonly zone?: { readonly slug: string; readonly status: 'active' | 'killed' | 'archived' | undefined };
}

export type AdminVerdict = 'allowed' | 'not_found' | 'insufficient_capability' | 'archived';

const SYSTEM_ZONE = '_system';
const ZONE_AREA = /^\/v1\/zones\/:[^/]+(?:\/([^/]+))?/;

/**
 * Whether a token may call a route. A foreign zone and a missing one look alike (`not_found`), and they do so before anything is
 * said about capabilities. An archived zone is read and no longer written.
 */
export function authorizeAdmin(rights: AdminRights, route: AdminRoute): AdminVerdict {
  if (!mayEnter(rights, route)) return route.zone ? 'not_found' : 'insufficient_capability';
  if (!mayDo(rights.capabilities, route)) return 'insufficient_capability';
  if (route.also !== undefined && !mayDo(rights.capabilities, { ...route, capability: route.also }))
    return 'insufficient_capability';
  return route.zone?.status === 'archived' && writes(route) ? 'archived' : 'allowed';
}

function mayEnter(rights: AdminRights, route: AdminRoute): boolean {
  return route.zone ? maySeeZone(rights, route, route.zone) : !rights.zones || route.zoneBound;
}

function writes({ capability, reading }: AdminRoute): boolean {
  return !reading && (capability === 'write' || capability === 'approve');
}

function maySeeZone(
  { zones }: AdminRights,
  route: AdminRoute,
  { slug, status }: NonNullable<AdminRoute['zone']>,
): boolean {
  if (status === undefined) return false;
  if (slug !== SYSTEM_ZONE) return !zones || zones.has(slug);
  // The system zone shows itself and its ledger, to global tokens only.
  const area = areaOf(route.pattern);
  return !zones && (area === 'audit' || (area === undefined && route.reading));
}

/** What each capability may read beside what it is for: what it acts on, and the zone that is in. */
const READABLE: Readonly<Record<string, (area: string | undefined, pattern: string) => boolean>> = {
  write: () => true,
  approve: (area, pattern) => area === 'approvals' || isZoneItself(area, pattern),
  audit: (area, pattern) => area === 'audit' || isZoneItself(area, pattern),
};

/** `bootstrap` implies all; `write`, `approve` and `audit` imply reading what they act on. */
function mayDo(held: ReadonlySet<string>, { capability, pattern }: AdminRoute): boolean {
  if (held.has('bootstrap') || held.has(capability)) return true;
  if (capability !== 'read') return false;
  const area = areaOf(pattern);
  return [...held].some((name) => READABLE[name]?.(area, pattern) ?? false);
}

function isZoneItself(area: string | undefined, pattern: string): boolean {
  return area === undefined && pattern.startsWith('/v1/zones');
}

function areaOf(pattern: string): string | undefined {
  return ZONE_AREA.exec(pattern)?.[1];
}
