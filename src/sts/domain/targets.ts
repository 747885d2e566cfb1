import { OAuthError } from '../../kernel/oauth-error.js';
import type { ScopeSet } from '../../kernel/scopes.js';

/** The part of a resource that targeting reads. */
export interface TargetResource {
  readonly id: string;
  readonly identifier: string;
  readonly gatewayUrl: string;
  readonly enforcement: 'gateway' | 'direct';
  readonly scopes: ScopeSet;
  readonly singleUse: boolean;
  readonly control: boolean;
  readonly status: string;
}

/** Where resources are looked up: by what `resource` may name, and by what `audience` may name. */
export interface TargetLookup<R extends TargetResource> {
  byTarget(uri: string): R | undefined;
  byIdentifier(identifier: string): R | undefined;
}

export interface TargetNames {
  readonly resources: readonly string[];
  readonly audiences: readonly string[];
}

/**
 * The resources that were asked for, each once (RFC 8707 §2, RFC 8693 §2.1). One that is malformed, unknown or archived refuses the request
 * with `invalid_target`, and so does asking for several unless none is the control resource, all of them allow more than one use and either all are gateway resources or the
 * token is `bound` to a key: one server that is named could present it to another.
 */
export function resolveTargets<R extends TargetResource>(
  names: TargetNames,
  lookup: TargetLookup<R>,
  bound = false,
): readonly R[] {
  const found = new Map<string, R>();
  for (const uri of names.resources)
    add(found, isResourceUri(uri) ? (lookup.byTarget(canonical(uri)) ?? lookup.byTarget(uri)) : undefined);
  for (const name of names.audiences) add(found, lookup.byIdentifier(name));
  const targets = [...found.values()];
  if (targets.length === 0) throw invalidTarget('no resource was named');
  if (
    targets.length > 1 &&
    !targets.every((target) => (bound || target.enforcement === 'gateway') && !target.singleUse && !target.control)
  )
    throw invalidTarget('these resources cannot share one token');
  return targets;
}

/** Throws `invalid_target` for a resource that verifies for itself: a delegation on the way is held to what only the gateway checks. */
export function requireGateway(targets: readonly TargetResource[]): void {
  if (targets.some((target) => target.enforcement !== 'gateway'))
    throw invalidTarget('the delegation may be used through the gateway only');
}

/** What a mandate's `aud` holds for a resource: the gateway URL, or the identifier of a resource that verifies for itself. */
export function audienceOf(resource: TargetResource): string {
  return resource.enforcement === 'gateway' ? resource.gatewayUrl : resource.identifier;
}

export function invalidTarget(description: string, detail?: string): OAuthError {
  return new OAuthError('invalid_target', description, detail === undefined ? {} : { detail });
}

function add<R extends TargetResource>(found: Map<string, R>, resource: R | undefined): void {
  if (!resource || resource.status !== 'active') throw invalidTarget('a resource is unknown');
  found.set(resource.id, resource);
}

/** RFC 8707 §2: an absolute URI without a fragment. */
function isResourceUri(uri: string): boolean {
  return URL.canParse(uri) && !uri.includes('#');
}

/** Scheme and host count in any case, and one trailing slash does not count: how MCP clients write a resource. */
function canonical(uri: string): string {
  const [, origin = '', rest = ''] = /^([a-z][a-z0-9+.-]*:\/\/[^/?]*)(.*)$/is.exec(uri) ?? [];
  return origin === '' ? uri : origin.toLowerCase() + rest.replace(/\/$/, '');
}
