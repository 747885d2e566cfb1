import type { Decision } from '../../policy/index.js';
import type { Requesters } from '../../sts/index.js';
import { GatewayError } from './gateway-error.js';

export type HeldDecision = Extract<Decision, { outcome: 'hold' }>;

/** The refusal of a call that people have to approve first, with what was found on the way to it. */
export class HeldCall extends GatewayError {
  constructor(
    readonly decision: HeldDecision,
    /** Through whom the authority came. */
    readonly requesters: Requesters,
  ) {
    super('approval_required', { reasons: ['approval_required'], policy: decision.policy });
  }
}
