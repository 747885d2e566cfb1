import { Injectable } from '@nestjs/common';
import type { ControlDecision, ControlQuestion } from '../../control/index.js';
import type { JsonObject } from '../../kernel/json.js';
import { CallAuthority } from '../call-authority.js';
import { GatewayError } from '../domain/gateway-error.js';

/** The decision about a command of control: that of a call whose resource is the zone's control resource. */
@Injectable()
export class ControlDecisions implements ControlDecision {
  constructor(private readonly authority: CallAuthority) {}

  async decide(
    question: ControlQuestion,
  ): Promise<{ readonly policy: JsonObject } | { readonly refused: readonly string[] }> {
    const { zone, resource, principal, scope, address, now } = question;
    const { token } = principal;
    const asked = { zone, resource, token, scopes: new Set([scope]), address };
    try {
      return { policy: (await this.authority.decide(asked, now)).policy };
    } catch (error) {
      if (error instanceof GatewayError) return { refused: error.reasons.length > 0 ? error.reasons : [error.code] };
      throw error;
    }
  }
}
