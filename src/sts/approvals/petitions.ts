import { Injectable } from '@nestjs/common';
import type { TokenClaims } from '../../auth/index.js';
import type { Approval } from '../../control/index.js';
import type { JsonObject } from '../../kernel/json.js';
import type { BackchannelRequest } from '../domain/backchannel-request.js';
import type { TokenRequest } from '../grants/grant.js';
import { Lineages } from '../grants/lineages.js';
import { type Considered, Mandates, type MandateRequest } from '../grants/mandates.js';
import { TokenPresentation } from '../grants/presented-tokens.js';
import { MandateApprovals, type MandateHold } from './mandate-approvals.js';

/** Requests that clients make of people: understood when they are made, and again when somebody has decided. */
@Injectable()
export class Petitions {
  constructor(
    private readonly presentation: TokenPresentation,
    private readonly lineages: Lineages,
    private readonly mandates: Mandates,
    private readonly approvals: MandateApprovals,
  ) {}

  /** What is decided on the request now, and what must be kept of it to go on without its tokens. */
  async consider(
    request: TokenRequest,
    asked: BackchannelRequest,
  ): Promise<{ considered: Considered; kept: JsonObject }> {
    const { tokens: presented, resources, audiences, scope, details } = asked;
    const tokens = presented ? await this.presentation.verify(request, presented) : {};
    const parents = [tokens.subject, tokens.actor].filter((claims) => claims !== undefined);
    const first = parents[0];
    if (first) request.notes.add({ subject: first.sub, session: first.sid, txn: first.txn });
    const lineage = presented ? await this.lineages.of(request, tokens, presented.delegation) : undefined;
    const considered = await this.mandates.consider(request, {
      resources,
      audiences,
      scope,
      details,
      lineage,
      parents,
    });
    const kept = {
      parents: parents as unknown as JsonObject[],
      ...(presented?.delegation === undefined ? {} : { delegation: presented.delegation }),
    };
    return { considered, kept };
  }

  raise(request: TokenRequest, hold: MandateHold): Promise<Approval> {
    return this.approvals.raise(request, hold);
  }

  /** The mandate request that an approval is about, made again from what was kept; its tokens are judged again with what is issued. */
  async again(request: TokenRequest, approval: Approval): Promise<MandateRequest> {
    const kept = (approval.request ?? {}) as {
      readonly parents?: readonly TokenClaims[];
      readonly delegation?: string;
    };
    const [subject, actor] = kept.parents ?? [];
    const lineage = subject ? await this.lineages.of(request, { subject, actor }, kept.delegation) : undefined;
    return {
      resources: [],
      audiences: approval.resources.map((held) => held.identifier),
      scope: new Set(approval.scopes),
      details: approval.authorizationDetails,
      approval: approval.id,
      lineage,
      parents: kept.parents ?? [],
    };
  }
}
