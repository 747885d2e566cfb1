import { Inject, Injectable } from '@nestjs/common';
import { OAuthError } from '../../kernel/oauth-error.js';
import { epochSeconds } from '../../kernel/times.js';
import { PublicUrls } from '../../platform/urls/index.js';
import type { OnceClaim } from '../../audit/index.js';
import { CLIENT_SECRET_MAC, type ClientSecretMac } from '../../auth/index.js';
import type { ApplicationView, CredentialView, ZoneView } from '../../control/index.js';
import { invalidClient, type PresentedClient } from '../domain/presented-client.js';
import { judgeAssertion } from './client-assertions.js';
import { matchSecret } from './client-secrets.js';
import { parseJws } from './jws.js';

/** A client that proved who it is. */
export interface AuthenticatedClient {
  readonly application: ApplicationView;
  readonly credential: string;
  readonly method: PresentedClient['method'];
  /** What must be claimed in the commit of the ledger entry, so that the proof works once. */
  readonly once: readonly OnceClaim[];
}

/** Client authentication (RFC 6749 §2.3, RFC 7523 §2.2). Every failure is the same `invalid_client`, at the same cost. */
@Injectable()
export class ClientAuthentication {
  constructor(
    @Inject(CLIENT_SECRET_MAC) private readonly mac: ClientSecretMac,
    private readonly urls: PublicUrls,
  ) {}

  authenticate(zone: ZoneView, presented: PresentedClient, now: number): AuthenticatedClient {
    return presented.method === 'private_key_jwt'
      ? this.byAssertion(zone, presented, now)
      : this.bySecret(zone, presented, now);
  }

  private bySecret(
    zone: ZoneView,
    presented: Exclude<PresentedClient, { method: 'private_key_jwt' }>,
    now: number,
  ): AuthenticatedClient {
    const application = zone.application(presented.clientId);
    const credential = matchSecret(this.mac(presented.secret), application?.credentials ?? [], now);
    return authenticated(application, credential, presented.method, now);
  }

  private byAssertion(
    zone: ZoneView,
    presented: Extract<PresentedClient, { method: 'private_key_jwt' }>,
    now: number,
  ): AuthenticatedClient {
    const jws = parseJws(presented.assertion);
    const clientId = jws?.claims['sub'];
    if (!jws || typeof clientId !== 'string') throw invalidClient('the assertion is malformed');
    if (presented.clientId !== undefined && presented.clientId !== clientId) {
      throw new OAuthError('invalid_request', 'client_id differs from the authenticated client');
    }
    const application = zone.application(clientId);
    const expected = { clientId, issuer: this.urls.issuer(zone.slug), now: epochSeconds(now) };
    const verdict = judgeAssertion(jws, application?.credentials ?? [], expected);
    if ('fault' in verdict) throw invalidClient(`the assertion's ${verdict.fault} is wrong`);
    return { ...authenticated(application, verdict.credential, 'private_key_jwt', now), once: [verdict.once] };
  }
}

function authenticated(
  application: ApplicationView | undefined,
  credential: CredentialView | undefined,
  method: PresentedClient['method'],
  now: number,
): AuthenticatedClient {
  if (!application || !credential) throw invalidClient('unknown client or wrong credential');
  if (!isLiveApplication(application, now)) throw invalidClient(`the application is ${application.status} or expired`);
  return { application, credential: credential.id, method, once: [] };
}

/** True while an application may obtain anything. */
export function isLiveApplication(application: ApplicationView, now: number): boolean {
  return application.status === 'active' && (application.expiresAt === undefined || application.expiresAt > now);
}
