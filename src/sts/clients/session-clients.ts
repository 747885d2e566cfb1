import { Injectable } from '@nestjs/common';
import { OAuthError } from '../../kernel/oauth-error.js';
import { boundKey, type ProvenKey, type TokenClaims, TokenError, TokenVerifier } from '../../auth/index.js';
import type { ZoneView } from '../../control/index.js';
import { RuntimeState } from '../../coordinator/index.js';
import type { OAuthCall } from '../caller-authentication.js';
import type { FormValues } from '../domain/parameters.js';
import { invalidClient } from '../domain/presented-client.js';
import { type AuthenticatedClient, isLiveApplication } from './client-authentication.js';

const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange';
const CREDENTIALS = ['client_secret', 'client_assertion', 'client_assertion_type'];

/** True for a token exchange with a proof and a subject token but without any client authentication. */
export function presentsSessionAlone({ form, authorization, dpop }: OAuthCall): boolean {
  const isExchange = form.values('grant_type').every((name) => name === TOKEN_EXCHANGE);
  const authenticates = authorization.length > 0 || CREDENTIALS.some((name) => form.values(name).length > 0);
  return isExchange && !authenticates && dpop.length > 0 && form.values('subject_token').length === 1;
}

/**
 * A session token that is bound to a key stands in for client authentication when its proof comes with it: the process that runs the session
 * needs no secret of its application. Only as `subject_token` at the token endpoint; a bearer session token proves nobody.
 */
@Injectable()
export class SessionClients {
  constructor(
    private readonly verifier: TokenVerifier,
    private readonly runtime: RuntimeState,
  ) {}

  /** Throws `invalid_client` unless the subject token is a live session token bound to this key. */
  async authenticate(
    zone: ZoneView,
    form: FormValues,
    key: ProvenKey | undefined,
    now: number,
  ): Promise<AuthenticatedClient> {
    const claims = await this.verified(zone.slug, form.values('subject_token')[0] ?? '');
    if (key === undefined || boundKey(claims) !== key.jkt) throw invalidClient('the session is not bound to the key');
    if (form.values('client_id').some((id) => id !== claims.client_id))
      throw new OAuthError('invalid_request', 'client_id differs from the authenticated client');
    const application = zone.application(claims.client_id);
    if (!application || !isLiveApplication(application, now) || claims.crd === undefined)
      throw invalidClient('the application of the session is not live');
    const verdict = await this.runtime.verdict(zone.slug, claims, now);
    if (verdict !== 'active') throw invalidClient(`the session token is ${verdict}`);
    return { application, credential: claims.crd, method: 'dpop_bound_session', once: [] };
  }

  private async verified(zone: string, token: string): Promise<TokenClaims> {
    try {
      return (await this.verifier.verify(token, { zone, classes: ['session'] })).claims;
    } catch (error) {
      throw error instanceof TokenError ? invalidClient(error.message) : error;
    }
  }
}
