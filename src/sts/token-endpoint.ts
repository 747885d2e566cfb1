import { Inject, Injectable } from '@nestjs/common';
import { CLOCK, type Clock } from '../kernel/clock.js';
import type { JsonObject } from '../kernel/json.js';
import { OAuthError } from '../kernel/oauth-error.js';
import { RuntimeState } from '../coordinator/index.js';
import type { OAuthCall } from './caller-authentication.js';
import { Parameters } from './domain/parameters.js';
import { type Grant, GRANTS } from './grants/grant.js';
import type { EntryNotes } from './entry-notes.js';
import { stoppedZone } from './domain/refusals.js';
import { RefusalRecord } from './refusal-record.js';
import { TokenCallers } from './token-callers.js';

/** The token endpoint (RFC 6749 §3.2): authenticates the client, then hands over to the grant that was named. */
@Injectable()
export class TokenEndpoint {
  private readonly grants: ReadonlyMap<string, Grant>;

  constructor(
    @Inject(CLOCK) private readonly clock: Clock,
    private readonly callers: TokenCallers,
    private readonly runtime: RuntimeState,
    private readonly refusals: RefusalRecord,
    @Inject(GRANTS) grants: readonly Grant[],
  ) {
    this.grants = new Map(grants.map((grant) => [grant.grantType, grant]));
  }

  get grantTypes(): readonly string[] {
    return [...this.grants.keys()];
  }

  /** What `DPoP-Nonce` says on every answer (RFC 9449 §8.2); undefined where the zone asks for none. */
  nonce(zone: string): Promise<string | undefined> {
    return this.callers.nonce(zone);
  }

  async token(call: OAuthCall): Promise<JsonObject> {
    const now = this.clock.now();
    const revocations = this.runtime.revocationCount(call.zone);
    const caller = await this.callers.authenticate(call, now);
    const { zone, client, key, once, notes } = caller;
    try {
      if (zone.status === 'killed') throw stoppedZone();
      const grant = this.grantOf(call, notes);
      const parameters = new Parameters(call.form, grant.parameters);
      return await grant.handle({ zone, client, key, once, parameters, facts: call.facts, now, revocations, notes });
    } catch (error) {
      throw await this.refusals.record(error, notes, once);
    }
  }

  /** RFC 6749 §5.2: a grant type that is missing is `invalid_request`, an unknown one `unsupported_grant_type`. */
  private grantOf(call: OAuthCall, notes: EntryNotes): Grant {
    const name = new Parameters(call.form, { single: ['grant_type'], repeatable: [] }).required('grant_type');
    const grant = this.grants.get(name);
    if (!grant) throw new OAuthError('unsupported_grant_type', 'the grant type is not supported');
    notes.add({ detail: { grant_type: name } });
    return grant;
  }
}
