import type { JsonObject } from '../kernel/json.js';
import type { EgressGrants } from '../platform/egress/index.js';
import type { PublicUrls } from '../platform/urls/index.js';
import type { AdminCall, AdminChanges, AdminTx } from './admin-changes.js';
import type { Applications } from './applications.js';
import type { Credentials, MadeCredential } from './credentials.js';
import { applicationBody } from './domain/application.js';
import { credentialBody } from './domain/credentials/credential.js';
import { invalidRequest } from './domain/faults.js';
import { grantBody } from './domain/grant.js';
import { planProtection } from './domain/protection.js';
import { providerBody } from './domain/providers/provider.js';
import type { DeclaredScope, ResourceOperation } from './domain/resources/resource.js';
import type { Grants } from './grants.js';
import type { ApplicationEntity } from './persistence/entities/application.entity.js';
import type { GrantEntity } from './persistence/entities/grant.entity.js';
import { ProviderEntity } from './persistence/entities/provider.entity.js';
import type { ResourceEntity } from './persistence/entities/resource.entity.js';
import type { ZoneEntity } from './persistence/entities/zone.entity.js';
import { refuseFaulty, type NewProvider, type Providers } from './providers.js';
import type { NewResource, Resources } from './resources.js';

export interface ProtectionRequest {
  readonly name: string;
  readonly upstreamUrl: string;
  readonly provider: Omit<NewProvider, 'name'> & { readonly name?: string | undefined };
  readonly scopes?: readonly DeclaredScope[] | undefined;
  readonly operations?: readonly ResourceOperation[] | undefined;
  readonly mcp?: boolean | undefined;
  readonly egress?: EgressGrants | undefined;
}

interface Made {
  readonly provider: ProviderEntity;
  readonly resource: ResourceEntity;
  readonly application: ApplicationEntity;
  readonly credential: MadeCredential;
  readonly grant: GrantEntity;
}

export interface ProtectionParts {
  readonly changes: AdminChanges;
  readonly providers: Providers;
  readonly resources: Resources;
  readonly applications: Applications;
  readonly credentials: Credentials;
  readonly grants: Grants;
  readonly urls: PublicUrls;
}

/** Puts one upstream under governance in one step: everything a first call needs, or nothing at all. */
export class Protection {
  constructor(private readonly parts: ProtectionParts) {}

  async protect(call: AdminCall, zone: string, request: ProtectionRequest): Promise<JsonObject> {
    const provider = { ...request.provider, name: request.provider.name ?? request.name };
    refuseFaulty(provider, 'provider.');
    await this.parts.providers.vet(provider.config ?? {});
    const resource = plannedResource(request);
    await this.parts.resources.vet(call, zone, resource, provider.kind);
    const made = await this.parts.changes.run(call, zone, (tx, row) =>
      this.make(tx, row, { name: request.name, provider, resource }),
    );
    return this.body(zone, made);
  }

  private async make(
    tx: AdminTx,
    zone: ZoneEntity,
    plan: { name: string; provider: NewProvider; resource: NewResource },
  ): Promise<Made> {
    const { id } = await this.parts.providers.make(tx, plan.provider);
    const resource = await this.parts.resources.make(tx, { ...plan.resource, provider: id });
    // Read again: naming it has bound its secret to the upstream's origin.
    const provider = await tx.em.findOneByOrFail(ProviderEntity, { zone: tx.zone, id });
    const application = await this.parts.applications.make(tx, zone, { name: plan.name });
    const credential = await this.parts.credentials.make(tx, application.id, { type: 'client_secret', details: {} });
    const scopes = resource.scopes.map((scope) => scope.name);
    const grant = await this.parts.grants.make(tx, { application: application.id, resource: resource.id, scopes });
    return { provider, resource, application, credential, grant };
  }

  private body(zone: string, { provider, resource, application, credential, grant }: Made): JsonObject {
    const tokenEndpoint = this.parts.urls.tokenEndpoint(zone);
    const gatewayUrl = this.parts.urls.gateway(zone, resource.slug);
    return {
      token_endpoint: tokenEndpoint,
      client_id: application.id,
      client_secret: credential.secret ?? '',
      gateway_url: gatewayUrl,
      scope: grant.scopes.join(' '),
      curl: curlLines(application.id, tokenEndpoint, gatewayUrl),
      resource: this.parts.resources.body(resource),
      provider: providerBody(provider),
      application: applicationBody(application),
      credential: credentialBody(credential.row),
      grant: grantBody(grant),
    };
  }
}

function plannedResource(request: ProtectionRequest): NewResource {
  const plan = planProtection(request.scopes, request.operations);
  if ('fault' in plan) throw invalidRequest([plan.fault]);
  const { name, upstreamUrl, egress, mcp } = request;
  return { name, upstreamUrl, scopes: plan.scopes, operations: plan.operations, egress, options: { mcp } };
}

/** A first call by hand. The secret stands in a variable: these lines are kept and repeated, the secret is not. */
function curlLines(clientId: string, tokenEndpoint: string, gatewayUrl: string): readonly string[] {
  return [
    `CLIENT_SECRET='<client_secret>'`,
    `MANDATE=$(curl -s -u "${clientId}:$CLIENT_SECRET" -d grant_type=client_credentials --data-urlencode "resource=${gatewayUrl}" ${tokenEndpoint} | sed -n 's/.*"access_token":"\\([^"]*\\)".*/\\1/p')`,
    `curl -i -H "Authorization: Bearer $MANDATE" ${gatewayUrl}/`,
  ];
}
