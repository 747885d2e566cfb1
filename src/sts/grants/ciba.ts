import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { Holds } from '../../control/index.js';
import { isId } from '../../kernel/ids.js';
import type { JsonObject } from '../../kernel/json.js';
import { OAuthError } from '../../kernel/oauth-error.js';
import { Petitions } from '../approvals/petitions.js';
import type { ParameterNames } from '../domain/parameters.js';
import type { Grant, TokenRequest } from './grant.js';
import { Mandates } from './mandates.js';

/** How long a client waits between two questions (CIBA Core 1.0 §7.3). */
export const POLL_INTERVAL_SECONDS = 5;

const MOST_POLLED = 10_000;

/** The token endpoint's side of CIBA in poll mode (CIBA Core 1.0 §10.1, §11): an approval, presented by the client that asked for it. */
@Injectable()
export class CibaGrant implements Grant {
  readonly grantType = 'urn:openid:params:grant-type:ciba';
  readonly parameters: ParameterNames = { single: ['auth_req_id'], repeatable: [] };
  private readonly polled = new LRUCache<string, number>({ max: MOST_POLLED });

  constructor(
    private readonly holds: Holds,
    private readonly petitions: Petitions,
    private readonly mandates: Mandates,
  ) {}

  async handle(request: TokenRequest): Promise<JsonObject> {
    const { zone, client, now, notes } = request;
    const id = request.parameters.required('auth_req_id');
    const approval = isId('apr', id) ? await this.holds.get(zone.slug, id) : undefined;
    if (approval?.application !== client.application.id || approval.operation !== undefined) throw unusable('unknown');
    notes.add({ approval: id });
    if (approval.status === 'pending') this.slowDown(`${zone.slug}/${id}`, now);
    try {
      return await this.mandates.grant(request, await this.petitions.again(request, approval));
    } catch (error) {
      throw error instanceof OAuthError && error.code === 'invalid_request'
        ? unusable(error.detail ?? error.message)
        : error;
    }
  }

  /** Throws `slow_down` when the last question is less than an interval ago (§11). */
  private slowDown(key: string, now: number): void {
    const last = this.polled.get(key);
    this.polled.set(key, now);
    if (last !== undefined && now - last < POLL_INTERVAL_SECONDS * 1_000)
      throw new OAuthError('slow_down', `poll every ${POLL_INTERVAL_SECONDS} seconds`);
  }
}

/** One answer for a request that is unknown, another client's, used up or overtaken (§11). */
function unusable(detail: string): OAuthError {
  return new OAuthError('invalid_grant', 'auth_req_id cannot be used', { detail });
}
