import { Injectable } from '@nestjs/common';
import { RuntimeState } from '../../coordinator/index.js';
import { isLiveEdge, type Lineage, LineageError, traceLineage } from '../../policy/index.js';
import { isLiveApplication } from '../clients/client-authentication.js';
import { unusableDelegation } from '../domain/exchange-request.js';
import { unusableToken } from '../domain/refusals.js';
import type { TokenRequest } from './grant.js';
import type { PresentedTokens } from './presented-tokens.js';

/** A zone as it is at one instant. */
type Moment = Pick<TokenRequest, 'zone' | 'now'>;

/** Finds how authority came to whoever acts: the actor's session when there is one, else the subject's, else the application itself. */
@Injectable()
export class Lineages {
  constructor(private readonly runtime: RuntimeState) {}

  /** Undefined when an application acts without a session; throws when the way up is broken anywhere. */
  async of(
    request: TokenRequest,
    tokens: PresentedTokens,
    delegation: string | undefined,
  ): Promise<Lineage | undefined> {
    const sid = tokens.actor?.sid ?? tokens.subject?.sid;
    if (sid === undefined) {
      if (delegation !== undefined) throw unusableDelegation('an application token has no session');
      return undefined;
    }
    const edge = delegation ?? (await this.implied(request, sid));
    const lineage = await this.trace(request, sid, edge);
    request.notes.add({ session: sid, delegation: lineage.edges[0]?.id, chain: chainOf(lineage) });
    requireSameWork(tokens, lineage);
    requireLiveApplications(request, lineage);
    return lineage;
  }

  /** How authority came to a session, for a question about it; a delegation is implied as it is in an exchange. Throws as {@link of} does. */
  async ofSession(at: Moment, session: string): Promise<Lineage> {
    const lineage = await this.trace(at, session, await this.implied(at, session));
    requireLiveApplications(at, lineage);
    return lineage;
  }

  private async trace({ zone, now }: Moment, session: string, delegation: string | undefined): Promise<Lineage> {
    const source = {
      session: (id: string) => this.runtime.session(zone.slug, id),
      delegation: (id: string) => this.runtime.delegation(zone.slug, id),
    };
    try {
      return await traceLineage(source, { session, delegation }, now);
    } catch (error) {
      if (!(error instanceof LineageError)) throw error;
      throw error.fault === 'delegation_not_usable' ? unusableDelegation(error.fault) : unusableToken(error.fault);
    }
  }

  /**
   * A delegation inside the application is implied when the session has exactly one; the edge a narrowed session was started with counts as
   * one. A session that holds nothing of its own must name one of several.
   */
  private async implied({ zone, now }: Moment, sid: string): Promise<string | undefined> {
    const session = await this.runtime.session(zone.slug, sid);
    if (!session || session.authority === 'narrowed') return undefined;
    const inbound = (await this.runtime.delegationsTo(zone.slug, sid)).filter((edge) => isLiveEdge(edge, now));
    const inside = inbound.filter((edge) => edge.sourceApplication === edge.targetApplication);
    if (inside.length === 1) return inside[0]?.id;
    if (inbound.length > 0 && session.authority === 'none')
      throw unusableDelegation('one of several must be presented');
    return undefined;
  }
}

/**
 * An actor's session works for the subject's session only when authority came down to it from there; nobody is impersonated. For a user who is proved
 * here and now it works when it works for nobody else: under its application's own authority, or under that user's already.
 */
function requireSameWork({ subject, actor, user }: PresentedTokens, { root, sessions }: Lineage): void {
  if (user) {
    if (root.subjectType === 'user' && root.subject !== user.subject)
      throw unusableToken('the actor acts for another user');
    return;
  }
  if (actor === undefined || subject === undefined) return;
  const passed = subject.sid === undefined || sessions.some((session) => session.id === subject.sid);
  if (!passed || root.subject !== subject.sub) throw unusableToken('the actor does not act for this subject');
}

function requireLiveApplications({ zone, now }: Moment, lineage: Lineage): void {
  for (const { application: id } of lineage.sessions) {
    const application = zone.application(id);
    if (!application || !isLiveApplication(application, now))
      throw unusableToken('an application on the way was stopped');
  }
}

function chainOf(lineage: Lineage): string[] {
  return lineage.actors.map((actor) => actor.id).reverse();
}
