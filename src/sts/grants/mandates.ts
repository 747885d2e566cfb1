import { hash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { canonicalize } from '../../kernel/canonical-json.js';
import type { JsonObject } from '../../kernel/json.js';
import { formatScope, type ScopeSet } from '../../kernel/scopes.js';
import type { FederatedUser, TokenClaims } from '../../auth/index.js';
import type { ResourceView } from '../../control/index.js';
import { type Decision, type Lineage, PolicySets } from '../../policy/index.js';
import { decisionFacts, subjectOf } from '../domain/decision-facts.js';
import { mandateClaims, tokenType } from '../domain/mandate-claims.js';
import { detailsEnd, grantDetails } from '../domain/requested-details.js';
import { decisionReasons, decisionRefusal } from '../domain/refusals.js';
import { audienceOf, resolveTargets } from '../domain/targets.js';
import type { Notes } from '../entry-notes.js';
import type { TokenRequest } from './grant.js';
import { Issuance } from './issuance.js';
import { TokenBases } from './token-bases.js';

/** What a mandate is asked for and with. */
export interface MandateRequest {
  readonly resources: readonly string[];
  readonly audiences: readonly string[];
  readonly scope?: ScopeSet | undefined;
  readonly details?: readonly JsonObject[] | undefined;
  readonly lifetime?: number | undefined;
  /** How authority came to the session that acts; undefined for an application without a session. */
  readonly lineage?: Lineage | undefined;
  /** The user whom an id_token proved. */
  readonly user?: FederatedUser | undefined;
  /** The claims of the tokens of ours that were presented, the subject's first. */
  readonly parents: readonly TokenClaims[];
}

type Allowed = Extract<Decision, { outcome: 'allow' }>;

/** What was found that may be had. A mandate for the control resource is a class of its own: used once, and accepted by control invoke alone. */
interface Granted {
  readonly klass: 'mandate' | 'control';
  readonly audience: readonly string[];
  readonly allowed: Allowed;
  readonly details?: readonly JsonObject[] | undefined;
}

/** From verified facts to a mandate: resolve targets, narrow and decide, record, sign, answer. */
@Injectable()
export class Mandates {
  constructor(
    private readonly policies: PolicySets,
    private readonly bases: TokenBases,
    private readonly issuance: Issuance,
  ) {}

  async grant(request: TokenRequest, asked: MandateRequest): Promise<JsonObject> {
    await this.policies.ready(request.zone.slug);
    const targets = resolve(request, asked);
    const details = detailsAt(request, asked, targets);
    const allowed = this.decide(request, asked, targets);
    const klass = targets.some((target) => target.control) ? 'control' : 'mandate';
    const claims = await this.claims(request, asked, { klass, audience: targets.map(audienceOf), allowed, details });
    const notes = { scopes: [...allowed.scopes].sort(), policy: allowed.policy, detail: { token_class: klass } };
    const { token, receipt } = await this.issuance.issue(request, { klass, claims, notes });
    return {
      access_token: token,
      token_type: tokenType(claims),
      expires_in: claims.exp - claims.iat,
      scope: formatScope(allowed.scopes),
      ...(details === undefined ? {} : { authorization_details: details }),
      receipt: { ...receipt },
    };
  }

  private decide(
    { zone, client, facts, now, notes }: TokenRequest,
    asked: MandateRequest,
    targets: readonly ResourceView[],
  ): Allowed {
    const application = client.application.id;
    const { lineage, parents, user } = asked;
    const parties = { application, lineage, parents, user: user?.subject, address: facts.address, now };
    const context = decisionFacts(parties, (holder, resource) => zone.grantsAt(holder, resource));
    const decision = this.policies.decide(zone.slug, { targets, scope: asked.scope }, context);
    if (decision.outcome === 'allow') return decision;
    notes.add({ reasons: decisionReasons(decision), policy: decision.policy, ...askedScopes(asked, decision) });
    throw decisionRefusal(decision);
  }

  private async claims(
    request: TokenRequest,
    asked: MandateRequest,
    { klass, audience, allowed, details }: Granted,
  ): Promise<TokenClaims> {
    const { lineage, parents, lifetime, user } = asked;
    const basis = await this.bases.basis(request, {
      klass,
      lifetime,
      ancestors: [...ancestorEnds(request, asked), allowed.endsAt, detailsEnd(details)],
      subject: user?.subject ?? subjectOf(request.client.application.id, lineage),
      subjectEpoch: user?.epoch,
      txn: parents[0]?.txn,
    });
    return mandateClaims(basis, { audience, scopes: allowed.scopes, details, lineage, parents, user: user?.subject });
  }
}

/** The ledger keeps a digest: details may hold what is personal. */
function detailsAt(
  { notes }: TokenRequest,
  { details: asked, parents }: MandateRequest,
  targets: readonly ResourceView[],
): readonly JsonObject[] | undefined {
  const held = parents.map((claims) => claims.authorization_details);
  const details = grantDetails(asked, targets, held);
  if (details)
    notes.add({
      detail: {
        authorization_details: hash('sha256', canonicalize(details), 'base64url'),
        authorization_details_types: [...new Set(details.map((detail) => detail['type'] as string))],
      },
    });
  return details;
}

function resolve({ zone, key, notes }: TokenRequest, asked: MandateRequest): readonly ResourceView[] {
  const lookup = {
    byTarget: (uri: string) => zone.resourceByTarget(uri),
    byIdentifier: (identifier: string) => zone.resourceByIdentifier(identifier),
  };
  const targets = resolveTargets(asked, lookup, key !== undefined);
  const identifiers = targets.map((target) => target.identifier);
  notes.add(identifiers.length === 1 ? { resource: identifiers[0] } : { detail: { resources: identifiers } });
  return targets;
}

function ancestorEnds({ zone }: TokenRequest, { lineage, parents, user }: MandateRequest): number[] {
  const applications = new Set(lineage?.sessions.map((session) => session.application));
  const ends = [...applications].map((id) => zone.application(id)?.expiresAt ?? Number.POSITIVE_INFINITY);
  const proof = user ? [user.expiresAt, user.sessionEnd] : [];
  const tokens = parents.map((claims) => claims.exp * 1000);
  return [...ends, ...tokens, ...proof, lineage?.endsAt ?? Number.POSITIVE_INFINITY];
}

/** What was asked for and what of it is missing, for whoever explains the refusal later. */
function askedScopes({ scope }: MandateRequest, refused: Exclude<Decision, Allowed>): Notes {
  const missing = refused.outcome === 'hold' ? refused.held : refused.missing;
  return { scopes: scope && [...scope].sort(), detail: { missing: [...missing].sort() } };
}
