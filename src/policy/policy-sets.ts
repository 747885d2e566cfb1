import { Injectable } from '@nestjs/common';
import { type Decision, decide, type DecisionFacts } from './domain/decide.js';
import type { NarrowingRequest } from './domain/narrowing.js';
import { DEFAULT_POLICY_SET, type PolicySet } from './domain/policy-set.js';

/** The active policy set of each zone. */
@Injectable()
export class PolicySets {
  /** The set that decides now; a zone without policies of its own has the default set, version 0. */
  active(_zone: string): PolicySet {
    return DEFAULT_POLICY_SET;
  }

  /** {@link decide} under the zone's active set. */
  decide(zone: string, request: NarrowingRequest, facts: DecisionFacts): Decision {
    return decide(request, facts, this.active(zone));
  }
}
