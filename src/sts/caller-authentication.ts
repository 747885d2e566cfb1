import { Injectable } from '@nestjs/common';
import { AppError } from '../kernel/app-error.js';
import type { RequestFacts } from '../platform/http/index.js';
import { Catalogue, type ZoneView } from '../control/index.js';
import { PolicySets } from '../policy/index.js';
import { type AuthenticatedClient, ClientAuthentication } from './clients/client-authentication.js';
import { type FormValues, Parameters } from './domain/parameters.js';
import { CLIENT_PARAMETERS, presentedClient } from './domain/presented-client.js';
import { EntryNotes } from './entry-notes.js';
import { RefusalRecord } from './refusal-record.js';

/** A request to an OAuth endpoint as the HTTP edge hands it over. */
export interface OAuthCall {
  /** The zone's slug, as the path says. */
  readonly zone: string;
  readonly form: FormValues;
  /** Every Authorization header of the request. */
  readonly authorization: readonly string[];
  /** Every DPoP header of the request (RFC 9449 §4.1). */
  readonly dpop: readonly string[];
  readonly facts: RequestFacts;
}

export interface AuthenticatedCall {
  readonly zone: ZoneView;
  readonly client: AuthenticatedClient;
  readonly notes: EntryNotes;
}

/** Another way for a client to prove who it is; undefined when the request does not go that way. */
export type StandIn = (zone: ZoneView) => Promise<AuthenticatedClient | undefined>;

/** The first step of every OAuth endpoint: the zone exists and exactly one client proved who it is. */
@Injectable()
export class CallerAuthentication {
  constructor(
    private readonly catalogue: Catalogue,
    private readonly clients: ClientAuthentication,
    private readonly refusals: RefusalRecord,
    private readonly policies: PolicySets,
  ) {}

  /** `standIn` may prove who the client is by other means than client authentication, where an endpoint allows it. */
  async authenticate(call: OAuthCall, now: number, standIn?: StandIn): Promise<AuthenticatedCall> {
    const zone = await this.zone(call.zone);
    const notes = new EntryNotes(zone.slug, call.facts, now);
    await this.policies.ready(zone.slug);
    notes.add({ policy: { version: this.policies.active(zone.slug).version } });
    try {
      const parameters = new Parameters(call.form, { single: CLIENT_PARAMETERS, repeatable: [] });
      const client =
        (await standIn?.(zone)) ??
        (await this.clients.authenticate(zone, presentedClient(call.authorization, parameters), {
          now,
          address: call.facts.address,
          onRefused: (claimed) => notes.add({ detail: { claimed_client: claimed } }),
        }));
      notes.add({
        application: client.application.id,
        detail: { client_auth: client.method, credential: client.credential },
      });
      return { zone, client, notes };
    } catch (error) {
      throw await this.refusals.record(error, notes, undefined);
    }
  }

  /** A zone that does not exist, or is archived, has no endpoints. */
  async zone(slug: string): Promise<ZoneView> {
    const zone = await this.catalogue.zone(slug);
    if (!zone || zone.status === 'archived' || slug.startsWith('_'))
      throw new AppError('not_found', 'There is no such zone.');
    return zone;
  }
}
