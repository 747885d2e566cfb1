import type { TrustedIssuer } from '../../auth/index.js';
import type { JsonObject } from '../../kernel/json.js';
import type { ScopeSet } from '../../kernel/scopes.js';
import type { EgressGrants } from '../../platform/egress/index.js';
import type { Blueprint } from '../domain/blueprint.js';
import type { ResourceLimits, ResourceOperation } from '../domain/resources/resource.js';
import type { SessionLimits } from '../domain/session-limits.js';
import type { ZoneSettings } from '../domain/zone-settings.js';

export type ZoneStatus = 'active' | 'killed' | 'archived';

/** A credential of an application; revoked and expired ones are held too, marked as such. */
export interface CredentialView {
  readonly id: string;
  readonly application: string;
  readonly type: 'client_secret' | 'jwks' | 'jwks_uri' | 'spiffe' | 'certificate';
  /** HMAC of the secret under the pepper. */
  readonly secretMac?: Buffer;
  readonly jwks?: JsonObject;
  /** `jwks_uri`, `spiffe_id` or the members of a certificate, as registered. */
  readonly details: JsonObject;
  readonly expiresAt?: number;
  readonly revokedAt?: number;
}

export interface ApplicationView {
  readonly id: string;
  readonly slug: string;
  readonly name: string;
  readonly status: 'active' | 'revoked' | 'archived';
  readonly epoch: number;
  readonly expiresAt?: number;
  readonly allowedLabels: readonly string[];
  /** Only what the application tightens; `tightestLimits` of the zone's and these hold. */
  readonly limits: Partial<SessionLimits>;
  readonly settings: JsonObject;
  readonly blueprint: Blueprint;
  /** Those that are not revoked; whether one has expired is for the reader to compare. */
  readonly credentials: readonly CredentialView[];
}

export interface ResourceView {
  readonly id: string;
  readonly slug: string;
  readonly identifier: string;
  readonly name: string;
  readonly status: 'active' | 'archived';
  readonly enforcement: 'gateway' | 'direct';
  /** What its mandates name as audience when it is enforced by the gateway. */
  readonly gatewayUrl: string;
  readonly upstreamUrl?: string;
  /** Every scope the resource declares. */
  readonly scopes: ScopeSet;
  readonly operations: readonly ResourceOperation[];
  /** By type of authorization details that it knows: whether an object is one of it (RFC 9396 §5). */
  readonly detailTypes: ReadonlyMap<string, (detail: JsonObject) => boolean>;
  /** Id of the provider; it may be archived, and then nothing may be injected or sent. */
  readonly provider?: string;
  readonly egress: EgressGrants;
  /** As declared: what is absent has the gateway's default. */
  readonly limits: ResourceLimits;
  readonly singleUse: boolean;
  /** The built-in resource whose scopes are the administrative commands. */
  readonly control: boolean;
  readonly mcp: boolean;
  readonly approvalBindsBody: boolean;
  /** Stricter than the zone's mode. */
  readonly approvalPrivacy?: 'minimal';
  readonly cookies?: 'pass';
  readonly xForwarded: boolean;
  /** What was sent and answered is recorded by its digest. */
  readonly digests: boolean;
  /** Id of the application that may introspect mandates of this direct resource. */
  readonly serverApplication?: string;
}

export interface ProviderView {
  readonly id: string;
  readonly name: string;
  readonly kind: string;
  readonly status: 'active' | 'archived';
  /** As registered, in the names of the wire. */
  readonly config: JsonObject;
  /** Only `ProviderSecrets.open` reads it. */
  readonly sealed?: Buffer;
  readonly secretVersion: number;
  /** The only origin that its credential is sent to. */
  readonly boundOrigin?: string;
}

/** A grant that is not archived. Whether it has expired is for the reader to compare with the instant of its decision. */
export interface GrantView {
  readonly id: string;
  readonly application: string;
  readonly resource: string;
  readonly scopes: ScopeSet;
  readonly label?: string;
  readonly expiresAt?: number;
}

/** An OpenID provider that is not archived. */
export type SubjectIssuerView = TrustedIssuer;

/**
 * One zone's catalogue in memory. The objects are frozen; the view itself is live, so each look-up answers what holds at that
 * moment. Archived objects are found by id and by slug, marked by `status`; by identifier, target and in lists only active ones.
 */
export interface ZoneView {
  readonly id: string;
  readonly slug: string;
  readonly name: string;
  readonly status: ZoneStatus;
  readonly epoch: number;
  readonly settings: ZoneSettings;
  application(id: string): ApplicationView | undefined;
  credential(id: string): CredentialView | undefined;
  provider(id: string): ProviderView | undefined;
  resource(id: string): ResourceView | undefined;
  resourceBySlug(slug: string): ResourceView | undefined;
  resourceByIdentifier(identifier: string): ResourceView | undefined;
  /** By gateway URL or identifier, as clients name a resource (RFC 8707 §2). */
  resourceByTarget(target: string): ResourceView | undefined;
  resources(): readonly ResourceView[];
  grants(application: string): readonly GrantView[];
  grantsAt(application: string, resource: string): readonly GrantView[];
  /** By issuer identifier, byte for byte. */
  subjectIssuer(issuer: string): SubjectIssuerView | undefined;
  /** Grants at a resource, of every application; for questions, not for decisions. */
  grantsAtResource(resource: string): readonly GrantView[];
}
