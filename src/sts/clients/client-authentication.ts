import { Inject, Injectable } from '@nestjs/common';
import { type ParsedJws, parseJws } from '../../kernel/jose/jws.js';
import { OAuthError } from '../../kernel/oauth-error.js';
import { epochSeconds } from '../../kernel/times.js';
import { PublicUrls } from '../../platform/urls/index.js';
import type { OnceClaim } from '../../audit/index.js';
import { CLIENT_SECRET_MAC, type ClientSecretMac } from '../../auth/index.js';
import type { ApplicationView, CredentialView, ZoneView } from '../../control/index.js';
import { invalidClient, type PresentedClient } from '../domain/presented-client.js';
import { judgeAssertion } from './client-assertions.js';
import { ClientKeys } from './client-keys.js';
import { matchSecret } from './client-secrets.js';
import { FailedAttempts, MOST_FAILURES } from './failed-attempts.js';

/** A client that proved who it is. */
export interface AuthenticatedClient {
  readonly application: ApplicationView;
  readonly credential: string;
  readonly method: PresentedClient['method'] | 'dpop_bound_session';
  /** What must be claimed in the commit of the ledger entry, so that the proof works once. */
  readonly once: readonly OnceClaim[];
}

/** When and from where a client authenticates. */
export interface Occasion {
  /** Milliseconds. */
  readonly now: number;
  readonly address: string;
  /** Is told of which application of the zone a failed attempt said to come; nothing of that is proven. */
  readonly onRefused?: (application: string) => void;
}

/** Client authentication (RFC 6749 §2.3, RFC 7523 §2.2). Every failure is the same `invalid_client`, at the same cost. */
@Injectable()
export class ClientAuthentication {
  private readonly failures = new FailedAttempts();

  constructor(
    @Inject(CLIENT_SECRET_MAC) private readonly mac: ClientSecretMac,
    private readonly keys: ClientKeys,
    private readonly urls: PublicUrls,
  ) {}

  async authenticate(zone: ZoneView, presented: PresentedClient, occasion: Occasion): Promise<AuthenticatedClient> {
    const assertion = presented.method === 'private_key_jwt' ? asserted(presented) : undefined;
    const client = assertion?.clientId ?? presented.clientId ?? '';
    const attempt = { zone: zone.slug, client, address: occasion.address };
    const wait = this.failures.waitFor(attempt, occasion.now);
    if (wait !== undefined) throw tooManyFailures(wait);
    try {
      if (assertion) return await this.byAssertion(zone, assertion, occasion.now);
      return this.bySecret(zone, presented as PresentedSecret, occasion.now);
    } catch (error) {
      if (error instanceof OAuthError && error.code === 'invalid_client') {
        this.failures.failed(attempt, occasion.now);
        tell(occasion, zone.application(client));
      }
      throw error;
    }
  }

  private bySecret(zone: ZoneView, presented: PresentedSecret, now: number): AuthenticatedClient {
    const application = zone.application(presented.clientId);
    const credential = matchSecret(this.mac(presented.secret), application?.credentials ?? [], now);
    return authenticated(application, credential, presented.method, now);
  }

  private async byAssertion(zone: ZoneView, { jws, clientId }: Asserted, now: number): Promise<AuthenticatedClient> {
    const application = zone.application(clientId);
    const expected = { clientId, issuer: this.urls.issuer(zone.slug), now: epochSeconds(now) };
    const verdict = await judgeAssertion(jws, application?.credentials ?? [], expected, (signed, credentials) =>
      this.keys.signer(signed, credentials),
    );
    if ('fault' in verdict) throw invalidClient(`the assertion's ${verdict.fault} is wrong`);
    return { ...authenticated(application, verdict.credential, 'private_key_jwt', now), once: [verdict.once] };
  }
}

function tell({ onRefused }: Occasion, application: ApplicationView | undefined): void {
  if (application) onRefused?.(application.id);
}

type PresentedSecret = Exclude<PresentedClient, { method: 'private_key_jwt' }>;

interface Asserted {
  readonly jws: ParsedJws;
  /** The `sub` of the assertion; nothing of it is verified. */
  readonly clientId: string;
}

function asserted(presented: Extract<PresentedClient, { method: 'private_key_jwt' }>): Asserted {
  const jws = parseJws(presented.assertion);
  const clientId = jws?.claims['sub'];
  if (!jws || typeof clientId !== 'string') throw invalidClient('the assertion is malformed');
  if (presented.clientId !== undefined && presented.clientId !== clientId)
    throw new OAuthError('invalid_request', 'client_id differs from the authenticated client');
  return { jws, clientId };
}

/** One answer for a client that exists and one that does not. */
function tooManyFailures(retryAfter: number): OAuthError {
  return new OAuthError('temporarily_unavailable', 'too many failed attempts from this address', {
    status: 429,
    retryAfter,
    quota: { name: 'failed_attempts', perMinute: MOST_FAILURES },
  });
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
