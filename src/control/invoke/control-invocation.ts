import type { FastifyRequest } from 'fastify';
import { AuditLedger, type EntryDraft, type OnceClaim } from '../../audit/index.js';
import type { AdminPrincipal, ControlPrincipal } from '../../auth/index.js';
import { AppError } from '../../kernel/app-error.js';
import type { Clock } from '../../kernel/clock.js';
import type { JsonObject } from '../../kernel/json.js';
import { parseScope } from '../../kernel/scopes.js';
import { bearerChallenge, requestFacts, Unauthenticated } from '../../platform/http/index.js';
import { PublicUrls } from '../../platform/urls/index.js';
import { Catalogue } from '../catalogue/catalogue.js';
import { CommandCatalogue } from './command-catalogue.js';
import { argumentFaults, sortArguments } from './domain/arguments.js';
import type { Command } from './domain/command.js';
import { InvocationRates } from './invocation-rates.js';
import type { ControlDecision } from './ports.js';

export interface Invocation {
  readonly command: string;
  readonly verb: string;
  readonly zone?: string | undefined;
  readonly args?: JsonObject | undefined;
}

interface Call {
  readonly request: FastifyRequest;
  readonly principal: ControlPrincipal;
  readonly invocation: Invocation;
  readonly now: number;
}

/** `exp` is compared with some leeway, so a claim outlives it a little. */
const CLAIM_GRACE_MS = 10_000;

/**
 * The way of a command: may it be given, by this token, now? Then the ledger entry, which also spends the token; then the same use case that
 * administrators use. Nothing is looked up by its name but the command, and nothing is run but what the catalogue holds.
 */
export class ControlInvocation {
  constructor(
    private readonly commands: CommandCatalogue,
    private readonly zones: Catalogue,
    private readonly ledger: AuditLedger,
    private readonly rates: InvocationRates,
    private readonly decision: ControlDecision,
    private readonly parts: ControlInvocationParts,
  ) {}

  /** The result of the command. Throws an AppError on every refusal, and has recorded it then. */
  async invoke(request: FastifyRequest, principal: ControlPrincipal, invocation: Invocation): Promise<unknown> {
    const call: Call = { request, principal, invocation, now: this.parts.clock.now() };
    const { command, policy } = await this.permit(call).catch((error: unknown) => this.refuse(call, error));
    await this.record(call, command, policy);
    const sorted = sortArguments(invocation.args ?? {}, command.inputs, principal.zone);
    const result = await this.commands.run(command, { ...sorted, user: stewardOf(principal, command) }, request);
    return result ?? null;
  }

  private async permit(call: Call): Promise<{ readonly command: Command; readonly policy: JsonObject }> {
    const { principal, invocation } = call;
    this.rates.take(principal.token.claims.client_id);
    const command = this.authorized(call);
    const zone = await this.zones.zone(principal.zone);
    const resource = zone?.resourceByIdentifier(this.parts.urls.controlInvoke());
    if (!zone || !resource) throw denied(['no_control_resource']);
    const address = requestFacts(call.request).address;
    const verdict = await this.decision.decide({
      zone,
      resource,
      principal,
      scope: command.scope,
      address,
      now: call.now,
    });
    if ('refused' in verdict) throw denied(verdict.refused);
    const faults = argumentFaults(invocation.args ?? {}, command.inputs);
    if (faults.length > 0) throw new AppError('invalid_request', 'The arguments are not valid.', { errors: faults });
    return { command, policy: verdict.policy };
  }

  /** A command that is unknown, one that the token does not name, and one of another zone are refused alike. */
  private authorized({ principal, invocation }: Call): Command {
    const scope = `control:${invocation.command}:${invocation.verb}`;
    const command = this.commands.byScope(scope);
    if (!command || !parseScope(principal.token.claims.scope ?? '')?.has(scope)) throw denied(['insufficient_scope']);
    if (command.zone === 'bound' && (invocation.zone ?? principal.zone) !== principal.zone)
      throw denied(['foreign_zone']);
    if (command.zone === 'global' && invocation.zone !== undefined)
      throw new AppError('invalid_request', 'The command belongs to no zone.', {
        errors: [{ field: 'zone', message: 'must be absent for a global command' }],
      });
    return command;
  }

  /** Recorded and the token spent, in one commit, before anything happens. */
  private async record(call: Call, command: Command, policy: JsonObject): Promise<void> {
    const { jti, exp } = call.principal.token.claims;
    const once: OnceClaim = { kind: 'control', key: jti, expiresAt: exp * 1_000 + CLAIM_GRACE_MS };
    const entry = this.entry(call, { decision: 'allow', policy, scopes: [command.scope] });
    const appended = await this.ledger.append(entry, [once]);
    if (!appended.replayed) return;
    const challenge = bearerChallenge({ realm: this.parts.urls.controlInvoke(), error: 'invalid_token' });
    throw new Unauthenticated([challenge], 'the control token was used before', 'replayed');
  }

  private async refuse(call: Call, error: unknown): Promise<never> {
    if (error instanceof AppError && error.code !== 'temporarily_unavailable') {
      const reasons = error instanceof ControlDenied ? error.reasons : [error.code];
      await this.ledger.append(this.entry(call, { decision: 'deny', reasons }));
    }
    throw error;
  }

  private entry({ request, principal, invocation, now }: Call, more: Partial<EntryDraft>): EntryDraft {
    const { claims } = principal.token;
    const { requestId, traceId, address, userAgent } = requestFacts(request);
    return {
      type: 'control.invoke',
      zone: principal.zone,
      occurredAt: now,
      requestId,
      traceId,
      txn: claims.txn,
      actor: { kind: 'agent', id: claims.client_id, token: claims.jti },
      subject: claims.sub,
      application: claims.client_id,
      session: claims.sid,
      delegation: claims.dlg,
      resource: this.parts.urls.controlInvoke(),
      token: { jti: claims.jti, exp: claims.exp },
      client: { address, user_agent: userAgent },
      detail: { command: invocation.command, verb: invocation.verb },
      ...more,
    };
  }
}

export interface ControlInvocationParts {
  readonly urls: PublicUrls;
  readonly clock: Clock;
}

/** Unknown, not granted, not permitted: the caller hears the same, the ledger the reasons. */
class ControlDenied extends AppError {
  constructor(readonly reasons: readonly string[]) {
    super('access_denied', 'The token does not allow this command.', { detail: reasons.join(' ') });
  }
}

function denied(reasons: readonly string[]): ControlDenied {
  return new ControlDenied(reasons);
}

/** The agent as an administrator who may do this one thing, in its own zone unless the command belongs to none. */
function stewardOf({ zone, token }: ControlPrincipal, { capability, zone: mode }: Command): AdminPrincipal {
  const { client_id: id, jti, sid } = token.claims;
  return {
    kind: 'admin',
    id,
    name: id,
    person: `app:${id}`,
    capabilities: new Set([capability]),
    ...(mode === 'bound' ? { zones: new Set([zone]) } : {}),
    bootstrap: false,
    agent: { jti, session: sid },
  };
}
