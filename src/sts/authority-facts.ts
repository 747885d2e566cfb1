import { Injectable } from '@nestjs/common';
import { Catalogue, type ZoneView } from '../control/index.js';
import { OAuthError } from '../kernel/oauth-error.js';
import type { Asker, AuthorityFacts, DecisionFacts, Holder, Lineage, NoFacts, Target } from '../policy/index.js';
import { isLiveApplication } from './clients/client-authentication.js';
import { decisionFacts } from './domain/decision-facts.js';
import { Lineages } from './grants/lineages.js';

const NOWHERE = '127.0.0.1';
/** Stands for a session of which only the labels are known. */
const ANY_SESSION = 'ses_00000000-0000-7000-8000-000000000000';

/** The facts that the token endpoint would decide on, for whoever only asks. */
@Injectable()
export class MandateFacts implements AuthorityFacts {
  constructor(
    private readonly catalogue: Catalogue,
    private readonly lineages: Lineages,
  ) {}

  async target(zone: string, name: string): Promise<Target | undefined> {
    const view = await this.catalogue.zone(zone);
    const byId = view?.resource(name);
    return byId?.status === 'active' ? byId : view?.resourceByTarget(name);
  }

  async facts(zone: string, asker: Asker, now: number): Promise<DecisionFacts | NoFacts> {
    const view = await this.catalogue.zone(zone);
    if (!view) return { fault: 'unknown' };
    if (view.status === 'killed') return { fault: 'zone_killed' };
    return asker.session === undefined ? ofApplication(view, asker, now) : this.ofSession(view, asker.session, now);
  }

  async holders(zone: string, what: { resource: string; scope: string }, now: number): Promise<Holder[]> {
    const view = await this.catalogue.zone(zone);
    if (view?.status !== 'active') return [];
    return view.grantsAtResource(what.resource).flatMap(({ application: id, label, expiresAt, scopes }): Holder[] => {
      const application = view.application(id);
      const live = application && isLiveApplication(application, now) && (expiresAt ?? Infinity) > now;
      if (!live || !scopes.has(what.scope)) return [];
      return [{ application: id, label, expiresAt, allowedLabels: application.allowedLabels }];
    });
  }

  private async ofSession(zone: ZoneView, session: string, now: number): Promise<DecisionFacts | NoFacts> {
    try {
      const lineage = await this.lineages.ofSession({ zone, now }, session);
      return factsOf(zone, { application: lineage.current.application, lineage }, now);
    } catch (error) {
      if (!(error instanceof OAuthError)) throw error;
      return { fault: error.detail === 'session_unknown' ? 'unknown' : (error.detail ?? 'session_not_active') };
    }
  }
}

function ofApplication(zone: ZoneView, { application: id = '', labels }: Asker, now: number): DecisionFacts | NoFacts {
  const application = zone.application(id);
  if (!application) return { fault: 'unknown' };
  if (!isLiveApplication(application, now)) return { fault: 'application_stopped' };
  const facts = factsOf(zone, { application: id }, now);
  if (labels === undefined) return facts;
  const principal = { application: id, session: ANY_SESSION, labels };
  return { ...facts, principal, ceilings: [{ kind: 'grants', application: id, labels }] };
}

function factsOf(
  zone: ZoneView,
  who: { readonly application: string; readonly lineage?: Lineage },
  now: number,
): DecisionFacts {
  const { address: _address, ...facts } = decisionFacts({ ...who, parents: [], address: NOWHERE, now }, zone);
  return facts;
}
