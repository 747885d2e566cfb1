import { deepFreeze } from '../domain/deep-freeze.js';
import type { ApplicationRow } from '../domain/application.js';
import { blueprintOf } from '../domain/blueprint.js';
import type { CredentialRow } from '../domain/credentials/credential.js';
import type { GrantRow } from '../domain/grant.js';
import type { ProviderRow } from '../domain/providers/provider.js';
import { isControlResource, publicIdentifier } from '../domain/resources/control-resource.js';
import type { ResourceRow, ResourceUrls } from '../domain/resources/resource.js';
import { detailMatcher } from '../domain/resources/detail-types.js';
import type { SubjectIssuerRow } from '../domain/subject-issuer.js';
import type {
  ApplicationView,
  CredentialView,
  GrantView,
  ProviderView,
  ResourceView,
  SubjectIssuerView,
} from './views.js';

export function credentialView(row: CredentialRow): CredentialView {
  return Object.freeze({
    id: row.id,
    application: row.application,
    type: row.type,
    ...(row.secretMac === null ? {} : { secretMac: row.secretMac }),
    ...(row.jwks === null ? {} : { jwks: deepFreeze(row.jwks) }),
    details: deepFreeze(row.details),
    ...time('expiresAt', row.expiresAt),
    ...time('revokedAt', row.revokedAt),
  });
}

export function applicationView(row: ApplicationRow, credentials: readonly CredentialView[]): ApplicationView {
  return Object.freeze({
    id: row.id,
    slug: row.slug,
    name: row.name,
    status: row.status,
    epoch: row.epoch,
    ...time('expiresAt', row.expiresAt),
    allowedLabels: Object.freeze([...row.allowedLabels]),
    limits: deepFreeze(row.limits),
    settings: deepFreeze(row.settings),
    blueprint: deepFreeze(blueprintOf(row.settings)),
    credentials: Object.freeze(credentials.filter((credential) => credential.revokedAt === undefined)),
  });
}

export function providerView(row: ProviderRow): ProviderView {
  return Object.freeze({
    id: row.id,
    name: row.name,
    kind: row.kind,
    status: row.status,
    config: deepFreeze(row.config),
    ...(row.secretSealed === null ? {} : { sealed: row.secretSealed }),
    secretVersion: row.secretVersion,
    ...(row.boundOrigin === null ? {} : { boundOrigin: row.boundOrigin }),
  });
}

export function resourceView(row: ResourceRow, addresses: ResourceUrls): ResourceView {
  const { single_use, mcp, approval_binds_body, approval_privacy, cookies, x_forwarded, digests } = row.options;
  return Object.freeze({
    id: row.id,
    slug: row.slug,
    identifier: publicIdentifier(row, addresses.control),
    name: row.name,
    status: row.status,
    enforcement: row.enforcement,
    gatewayUrl: addresses.gateway,
    ...(row.upstreamUrl === null ? {} : { upstreamUrl: row.upstreamUrl }),
    scopes: new Set(row.scopes.map((scope) => scope.name)),
    operations: deepFreeze(row.operations),
    detailTypes: new Map(
      row.authorizationDetailsTypes.map((known) => [known.type, detailMatcher(known, row.enforcement === 'gateway')]),
    ),
    ...(row.provider === null ? {} : { provider: row.provider }),
    egress: deepFreeze(row.egress),
    limits: deepFreeze(row.limits),
    singleUse: single_use === true,
    control: isControlResource(row),
    mcp: mcp === true,
    approvalBindsBody: approval_binds_body === true,
    ...(approval_privacy === undefined ? {} : { approvalPrivacy: approval_privacy }),
    ...(cookies === undefined ? {} : { cookies }),
    xForwarded: x_forwarded === true,
    digests: digests === true,
    ...(row.serverApplication === null ? {} : { serverApplication: row.serverApplication }),
  });
}

export function grantView(row: GrantRow): GrantView {
  return Object.freeze({
    id: row.id,
    application: row.application,
    resource: row.resource,
    scopes: new Set(row.scopes),
    ...(row.label === null ? {} : { label: row.label }),
    ...time('expiresAt', row.expiresAt),
  });
}

export function subjectIssuerView(row: SubjectIssuerRow): SubjectIssuerView {
  const { id, issuer, audience, algorithms, subjectClaim } = row;
  return Object.freeze({ id, issuer, audience, algorithms: Object.freeze([...algorithms]), subjectClaim });
}

function time<Name extends string>(name: Name, at: Date | null): { [Key in Name]?: number } {
  return at === null ? {} : ({ [name]: at.getTime() } as { [Key in Name]?: number });
}
