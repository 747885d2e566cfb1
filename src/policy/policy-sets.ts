import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { ChangeFeed } from '../platform/changes/index.js';
import { Database } from '../platform/database/index.js';
import { CompiledPolicySet } from './cedar/compiled-policy-set.js';
import { type Decision, decide, type DecisionFacts } from './domain/decide.js';
import type { NarrowingRequest } from './domain/narrowing.js';
import { DEFAULT_POLICY_SET, type PolicySet } from './domain/policy-set.js';
import { readActiveSet } from './persistence/policy-store.js';

/** What decides while a zone's policies are not known: nothing is permitted. */
const UNKNOWN: PolicySet = {
  version: -1,
  evaluate: () => ({ effect: 'deny', determining: [], reasons: ['policy_error'] }),
};

/** The active policy set of each zone, compiled, in memory, replaced as a whole when another one is activated. */
@Injectable()
export class PolicySets {
  private readonly sets = new Map<string, PolicySet>();
  private readonly loading = new Map<string, Promise<void>>();
  /** The engine's memory is the process's; two applications in one process must not meet there. */
  private readonly place = randomUUID();

  constructor(
    private readonly database: Database,
    feed: ChangeFeed,
  ) {
    feed.subscribe(['policy'], (zone) => this.load(zone));
    feed.onReset((zone) => void this.sets.delete(zone));
  }

  /** Resolves when the zone's policies are known. Follow the zone's changes before calling it. */
  ready(zone: string): Promise<void> {
    if (this.sets.has(zone)) return Promise.resolve();
    const running = this.loading.get(zone);
    if (running) return running;
    const loading = this.load(zone).finally(() => this.loading.delete(zone));
    this.loading.set(zone, loading);
    return loading;
  }

  /** The set that decides now; a zone without policies of its own has the default set, version 0, one that is not ready denies. */
  active(zone: string): PolicySet {
    return this.sets.get(zone) ?? UNKNOWN;
  }

  /** {@link decide} under the zone's active set. */
  decide(zone: string, request: NarrowingRequest, facts: DecisionFacts): Decision {
    return decide(request, facts, this.active(zone));
  }

  /** A set that cannot be compiled denies: it was validated before it was activated, so something is wrong with it. */
  private async load(zone: string): Promise<void> {
    const active = await this.database.readZone(zone, readActiveSet);
    this.sets.set(zone, active ? compile(`${this.place}/${zone}`, active) : DEFAULT_POLICY_SET);
  }
}

function compile(
  place: string,
  active: { version: number; policies: readonly { id: string; cedar: string }[] },
): PolicySet {
  try {
    return new CompiledPolicySet(active.version, active.policies, `${place}/${active.version % 2}`);
  } catch {
    return { ...UNKNOWN, version: active.version };
  }
}
