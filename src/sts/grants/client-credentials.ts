import { Injectable } from '@nestjs/common';
import type { JsonObject } from '../../kernel/json.js';
import { OAuthError } from '../../kernel/oauth-error.js';
import { formatScope, isSubset, type ScopeSet, union } from '../../kernel/scopes.js';
import { applicationSubject } from '../../kernel/subjects.js';
import { applicationTokenClaims, tokenType } from '../domain/mandate-claims.js';
import type { ParameterNames } from '../domain/parameters.js';
import { detailsEnd, grantAnywhere, readDetails } from '../domain/requested-details.js';
import type { Grant, TokenRequest } from './grant.js';
import { Issuance } from './issuance.js';
import { Mandates } from './mandates.js';
import { TokenBases } from './token-bases.js';

/**
 * `client_credentials` (RFC 6749 §4.4). Without a resource it yields an application token, whose audience is the issuer itself; with one
 * (RFC 8707 §2) a mandate, the application acting as itself without a session.
 */
@Injectable()
export class ClientCredentialsGrant implements Grant {
  readonly grantType = 'client_credentials';
  readonly parameters: ParameterNames = {
    single: ['scope', 'lifetime', 'authorization_details', 'approval'],
    repeatable: ['resource', 'audience'],
  };

  constructor(
    private readonly mandates: Mandates,
    private readonly bases: TokenBases,
    private readonly issuance: Issuance,
  ) {}

  async handle(request: TokenRequest): Promise<JsonObject> {
    const { parameters } = request;
    const details = readDetails(parameters.one('authorization_details'));
    const names = { resources: parameters.all('resource'), audiences: parameters.all('audience') };
    if (names.resources.length + names.audiences.length === 0) return this.applicationToken(request, details);
    return this.mandates.grant(request, {
      ...names,
      scope: parameters.scope(),
      details,
      lifetime: parameters.lifetime(),
      approval: parameters.one('approval'),
      parents: [],
    });
  }

  private async applicationToken(request: TokenRequest, asked: readonly JsonObject[] | undefined): Promise<JsonObject> {
    const { client, parameters, zone } = request;
    const scope = parameters.scope();
    if (scope) requireGranted(request, scope);
    const details = asked && grantAnywhere(asked, zone.resources());
    const basis = await this.bases.basis(request, {
      klass: 'application',
      lifetime: parameters.lifetime(),
      ancestors: [detailsEnd(details)],
      subject: applicationSubject(client.application.id),
    });
    const claims = applicationTokenClaims(basis, scope, details);
    const notes = { scopes: scope && [...scope].sort(), detail: { token_class: 'application' } };
    const { token, receipt } = await this.issuance.issue(request, { klass: 'application', claims, notes });
    return {
      access_token: token,
      token_type: tokenType(claims),
      expires_in: claims.exp - claims.iat,
      ...(scope === undefined ? {} : { scope: formatScope(scope) }),
      ...(details === undefined ? {} : { authorization_details: details }),
      receipt: { ...receipt },
    };
  }
}

/** An application token's scope narrows what is exchanged for it later; it can name only what is granted somewhere. */
function requireGranted({ zone, client, now }: TokenRequest, scope: ScopeSet): void {
  const grants = zone
    .grants(client.application.id)
    .filter((grant) => grant.expiresAt === undefined || grant.expiresAt > now);
  if (!isSubset(scope, union(...grants.map((grant) => grant.scopes))))
    throw new OAuthError('invalid_scope', 'the scope asked for exceeds what is granted');
}
