import { Inject, Injectable } from '@nestjs/common';
import { AppError } from '../../kernel/app-error.js';
import { CLOCK, type Clock } from '../../kernel/clock.js';
import type { JsonObject } from '../../kernel/json.js';
import { epochSeconds } from '../../kernel/times.js';
import { EgressClient, type OutboundAnswer } from '../../platform/egress/index.js';
import { newUuid } from '../../platform/ids/index.js';
import type { ProviderSettings } from '../domain/upstream/provider-settings.js';
import { readTokenAnswer, type TokenFault, type TokenOutcome } from '../domain/upstream/token-answer.js';
import { assertionClaims, type FormParameters } from '../domain/upstream/token-request.js';
import { signAssertion } from './assertion-signing.js';

/** An upstream's authorization server and who the server is there. */
export interface UpstreamClient {
  readonly settings: ProviderSettings;
  readonly secret: JsonObject;
}

/** One exchange with a token endpoint, name resolution included. Leases are longer. */
export const ENDPOINT_TIMEOUT_MS = 5_000;
const MAX_ANSWER = 131_072;
const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';
const NO_PLACE: TokenFault = { fault: 'permanent', code: 'egress_denied' };
const NO_ANSWER: TokenFault = { fault: 'transient', code: 'unreachable' };

/** Asks upstreams' token and revocation endpoints, through the egress guard only. It never throws and repeats nothing that was sent or said. */
@Injectable()
export class TokenEndpointClient {
  constructor(
    private readonly egress: EgressClient,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** RFC 6749 §3.2. */
  async token(client: UpstreamClient, parameters: FormParameters): Promise<TokenOutcome> {
    const answer = await this.post(client, client.settings.tokenEndpoint, parameters);
    if ('fault' in answer) return answer;
    const { status, headers, body } = answer;
    const retryAfter = headers['retry-after'];
    return readTokenAnswer({ status, body, retryAfter: typeof retryAfter === 'string' ? retryAfter : undefined });
  }

  /** RFC 7009 §2.1. Undefined when the upstream was told. */
  async revoke(
    client: UpstreamClient,
    token: { readonly value: string; readonly hint: 'refresh_token' | 'access_token' },
  ): Promise<TokenFault | undefined> {
    const endpoint = client.settings.text('revocation_endpoint');
    if (endpoint === undefined) return undefined;
    const answer = await this.post(client, endpoint, [
      ['token', token.value],
      ['token_type_hint', token.hint],
    ]);
    if ('fault' in answer) return answer;
    if (answer.status >= 200 && answer.status < 300) return undefined;
    const outcome = readTokenAnswer({ ...answer, status: answer.status, retryAfter: undefined });
    return 'fault' in outcome ? outcome : undefined;
  }

  private async post(
    client: UpstreamClient,
    url: string,
    parameters: FormParameters,
  ): Promise<OutboundAnswer | TokenFault> {
    try {
      const proof = this.authentication(client, url);
      const body = new URLSearchParams([...parameters, ...proof.parameters] as [string, string][]);
      return await this.egress.request({
        url,
        method: 'POST',
        headers: {
          accept: 'application/json',
          'content-type': 'application/x-www-form-urlencoded',
          ...proof.headers,
        },
        body: body.toString(),
        timeoutMs: ENDPOINT_TIMEOUT_MS,
        maxBytes: MAX_ANSWER,
      });
    } catch (error) {
      return error instanceof AppError && error.code === 'egress_denied' ? NO_PLACE : NO_ANSWER;
    }
  }

  /** RFC 6749 §2.3.1, RFC 7523 §2.2; a public client names itself. */
  private authentication(
    { settings, secret }: UpstreamClient,
    url: string,
  ): { headers: Readonly<Record<string, string>>; parameters: FormParameters } {
    const { clientId, authMethod } = settings;
    const clientSecret = (secret['client_secret'] as string | undefined) ?? '';
    switch (authMethod) {
      case 'client_secret_basic': {
        const pair = `${formEncoded(clientId ?? '')}:${formEncoded(clientSecret)}`;
        return { headers: { authorization: `Basic ${Buffer.from(pair).toString('base64')}` }, parameters: [] };
      }
      case 'client_secret_post':
        return {
          headers: {},
          parameters: [
            ['client_id', clientId ?? ''],
            ['client_secret', clientSecret],
          ],
        };
      case 'private_key_jwt':
        return { headers: {}, parameters: this.assertion(settings, secret, url) };
      case 'none':
        return { headers: {}, parameters: clientId === undefined ? [] : [['client_id', clientId]] };
    }
  }

  private assertion(settings: ProviderSettings, secret: JsonObject, url: string): FormParameters {
    const clientId = settings.clientId ?? '';
    const who = { issuer: clientId, subject: clientId, audience: settings.issuer ?? url };
    const claims = assertionClaims(who, epochSeconds(this.clock.now()), newUuid());
    return [
      ['client_id', clientId],
      ['client_assertion_type', ASSERTION_TYPE],
      ['client_assertion', signAssertion(secret, { kid: settings.keyId, alg: settings.algorithm }, claims)],
    ];
  }
}

/** RFC 6749 appendix B. */
function formEncoded(text: string): string {
  return new URLSearchParams([['', text]]).toString().slice(1);
}
