import { Inject, Injectable } from '@nestjs/common';
import { CLOCK, type Clock } from '../../kernel/clock.js';
import { formatTime } from '../../kernel/times.js';
import { policyParts, type PolicyPart } from '../cedar/policy-text.js';
import { residualOf } from '../cedar/residual.js';
import { AUTHORITY_FACTS, type AuthorityFacts, type Holder } from '../ports.js';
import { invalidMember } from '../policy-faults.js';
import { ChosenSets } from './chosen-sets.js';

/** One way to a permission: whose, with which label, under which conditions. */
export interface WhoCan {
  readonly application: string;
  readonly label?: string;
  /** How it may act; absent where it makes no difference. */
  readonly acting?: 'session' | 'application';
  /** All of them must hold; Cedar expressions, and `approval("<class>")`. Empty where nothing else is needed. */
  readonly conditions: readonly string[];
  readonly expires_at?: string;
}

/** Enumerates from grants and the active policies, without trying requests: what is not listed cannot happen by a grant. */
@Injectable()
export class WhoCanQuestion {
  constructor(
    private readonly sets: ChosenSets,
    @Inject(AUTHORITY_FACTS) private readonly authority: AuthorityFacts,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  async ask(zone: string, { resource, scope }: { resource: string; scope: string }): Promise<WhoCan[]> {
    const target = await this.authority.target(zone, resource);
    if (!target) throw invalidMember('resource', 'must be the id, identifier or gateway URL of a resource here');
    if (!target.scopes.has(scope)) return [];
    const holders = await this.authority.holders(zone, { resource: target.id, scope }, this.clock.now());
    const { sources } = await this.sets.sources(zone, {});
    const parts = sources.flatMap((source) => policyParts(source.id, source.cedar));
    return merged(holders).flatMap((holder) => ways(holder, { parts, action: scope, resource: target.id }));
  }
}

/** One per application and label; the one that lasts longest stands for all. */
function merged(holders: readonly Holder[]): Holder[] {
  const found = new Map<string, Holder>();
  for (const holder of holders) {
    const key = `${holder.application} ${holder.label ?? ''}`;
    const known = found.get(key);
    if (!known || lasts(holder) > lasts(known)) found.set(key, holder);
  }
  return [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, holder]) => holder);
}

function lasts({ expiresAt }: Holder): number {
  return expiresAt ?? Number.POSITIVE_INFINITY;
}

interface Asked {
  readonly parts: readonly PolicyPart[];
  readonly action: string;
  readonly resource: string;
}

/** A session and the application by itself, where they differ; a labelled grant is open to sessions only. */
function ways(holder: Holder, asked: Asked): WhoCan[] {
  if (holder.label !== undefined && !holder.allowedLabels.includes(holder.label)) return [];
  const inSession = conditionsOf('Session', holder, asked);
  if (holder.label !== undefined) return inSession ? [way(holder, inSession)] : [];
  const alone = conditionsOf('Application', holder, asked);
  if (inSession && alone && inSession.join('\n') === alone.join('\n')) return [way(holder, alone)];
  return [
    ...(inSession ? [way(holder, inSession, 'session')] : []),
    ...(alone ? [way(holder, alone, 'application')] : []),
  ];
}

function conditionsOf(kind: 'Session' | 'Application', holder: Holder, asked: Asked): readonly string[] | undefined {
  const { application, label, allowedLabels: possibleLabels } = holder;
  const { action, resource } = asked;
  const residual = residualOf(asked.parts, { kind, application, label, possibleLabels, action, resource });
  return residual.possible ? residual.conditions : undefined;
}

function way(
  { application, label, expiresAt }: Holder,
  conditions: readonly string[],
  acting?: WhoCan['acting'],
): WhoCan {
  return {
    application,
    ...(label === undefined ? {} : { label }),
    ...(acting === undefined ? {} : { acting }),
    conditions,
    ...(expiresAt === undefined ? {} : { expires_at: formatTime(expiresAt) }),
  };
}
