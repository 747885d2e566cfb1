import type { OnceClaim } from '../audit/index.js';
import type { Clock } from '../kernel/clock.js';
import type { LoadWatch } from '../platform/load/index.js';
import type { PublicUrls } from '../platform/urls/index.js';
import { ApprovalUseError } from '../control/index.js';
import type { CallApprovals } from './approvals/call-approvals.js';
import type { Binding, Bindings } from './bindings.js';
import type { CallAuthority, CallQuestion } from './call-authority.js';
import { type CallLedger, singleUse, toRefusal, WITHHELD } from './call-ledger.js';
import { CallNotes } from './call-notes.js';
import { GatewayError } from './domain/gateway-error.js';
import { quotasOf } from './domain/limits/quotas.js';
import { requireForwardable, requireTarget } from './domain/request-rule.js';
import type { GatewayTarget } from './domain/target.js';
import { type Arrival, type Flight, forward } from './forwarding.js';
import type { GatewayMetrics } from './gateway-metrics.js';
import { heldBody } from './http/held-body.js';
import { drainRest, type Incoming } from './http/incoming.js';
import type { MandateProof } from './http/mandate-proof.js';
import { answerRefusal } from './http/refusal-answer.js';
import type { AskedCall } from './mcp/batch-calls.js';
import type { BatchEntries } from './mcp/batch-entries.js';
import { knownScopes } from './mcp/known-scopes.js';
import type { DecidedCall, McpCalls } from './mcp/mcp-calls.js';
import type { OpenCalls } from './open-calls.js';
import { matchCall } from './operation-matching.js';
import type { ProviderCredentials } from './provider-credentials.js';
import { RateLimited, type RateLimits } from './limits/rate-limits.js';
import { signOf } from './limits/upstream-gate.js';

export interface GatewayParts {
  readonly bindings: Bindings;
  readonly authority: CallAuthority;
  readonly approvals: CallApprovals;
  readonly proof: MandateProof;
  readonly credentials: ProviderCredentials;
  readonly ledger: CallLedger;
  readonly rates: RateLimits;
  readonly open: OpenCalls;
  readonly metrics: GatewayMetrics;
  readonly mcp: McpCalls;
  readonly urls: PublicUrls;
  readonly load: Pick<LoadWatch, 'sheds'>;
  readonly clock: Clock;
  readonly onFault: (error: unknown, requestId: string) => void;
}

/** One call as far as it has come. */
interface Call {
  readonly incoming: Incoming;
  readonly now: number;
  readonly startedAt: number;
  notes?: CallNotes;
  target?: GatewayTarget;
  binding?: Binding;
  /** What `DPoP-Nonce` says on every answer where the zone asks for nonces. */
  nonce?: string | undefined;
  rateLimit: readonly string[];
  readonly echoed: ('header' | 'body')[];
}

/** A call that may be made. */
interface Granted extends DecidedCall {
  readonly call: Call & Required<Pick<Call, 'notes' | 'target'>>;
  /** The zone's revocation count before anything was checked. */
  readonly revocations: number;
}

const NOWHERE: Arrival = { started: false, bytesIn: 0, bytesOut: 0 };

/** The gateway's way with a call, from the raw request to the end of the answer. */
export class GatewayCalls {
  constructor(private readonly parts: GatewayParts) {}

  /** Answers the request, whatever happens; never rejects. */
  async handle(incoming: Incoming): Promise<void> {
    const { clock } = this.parts;
    const call: Call = { incoming, now: clock.now(), startedAt: clock.monotonic(), rateLimit: [], echoed: [] };
    try {
      await this.serve(call);
    } catch (error) {
      await this.refuse(call, toRefusal(error)).catch((fault: unknown) => this.giveUp(call, fault));
    } finally {
      drainRest(incoming.request);
    }
  }

  /** The hot path: every step refuses by throwing. */
  private async serve(call: Call): Promise<void> {
    const { bindings, authority, approvals, proof, rates, mcp } = this.parts;
    const { request, facts } = call.incoming;
    this.requireTime();
    const target = requireTarget(request.url ?? '', request.rawHeaders);
    const { zone, binding } = await bindings.of(target);
    const { resource, limits } = binding;
    const notes = this.know(call, target, binding);
    call.nonce = proof.nonce(zone);
    requireForwardable(
      request.method ?? '',
      target.path,
      Number(request.headers['content-length'] ?? 0),
      limits.maxBodyBytes,
    );
    const revocations = authority.revocationCount(zone.slug);
    const mandate = await authority.verify(zone.slug, resource, request);
    const { token } = mandate;
    notes.identify(token.claims);
    notes.proof = proof.require(zone, mandate, request);
    await authority.requireActive(zone.slug, token.claims);
    const mcpSession = await mcp.requireSession(zone, resource, token.claims, request);
    const operation = await matchCall(binding, call.incoming, target);
    const [method, path] = [request.method ?? '', target.path || '/'];
    notes.operation({ method, path, template: operation.template, mcp: operation.mcp, scopes: operation.scopes });
    const parties = { application: token.claims.client_id, session: token.claims.sid, address: facts.address };
    for (let left = operation.batch?.length ?? 1; left > 0; left -= 1)
      call.rateLimit = await rates.take(`${zone.slug}/${resource.id}`, quotasOf(limits, parties));
    const ask = ({ template, scopes, mcpMethod, tool, args }: AskedCall): CallQuestion => ({
      zone,
      resource,
      token,
      operation: { method, path, template, mcpMethod, mcpTool: tool, args },
      scopes,
      address: facts.address,
    });
    const { maxBodyBytes } = limits;
    const { incoming, now } = call;
    const permit = (question: CallQuestion) =>
      approvals.permit({ question, notes, incoming, query: target.query, body: operation.body, maxBodyBytes, now });
    const decided = await mcp.decide(operation, ask, { now, permit });
    if (decided.batch) notes.operation({ method, path, ...decided.batch.allowed[0].member.operation });
    await this.pass({ call: { ...call, notes, target }, binding, operation, revocations, mcpSession, ...decided });
  }

  /** Waits for room at the upstream, and tells what became of the call there. */
  private async pass(granted: Granted): Promise<void> {
    const { gate } = granted.binding;
    await gate.enter();
    let arrival: Arrival | undefined;
    try {
      arrival = await this.send(granted);
    } finally {
      gate.leave(arrival && signOf(arrival));
    }
    if (arrival.error !== undefined) throw arrival.error;
  }

  /** Refuses with `overloaded` what would be answered too late anyway; of what zone and resource it is nobody has asked yet. */
  private requireTime(): void {
    if (this.parts.load.sheds()) throw new GatewayError('overloaded', { detail: 'event_loop_late' });
  }

  private know(call: Call, target: GatewayTarget, binding: Binding): CallNotes {
    const { resource } = binding;
    const notes = new CallNotes(target.zone, call.incoming.facts, call.now);
    notes.add({ resource: resource.identifier });
    notes.operation({ method: call.incoming.request.method ?? '', path: target.path || '/' });
    call.notes = notes;
    call.target = target;
    call.binding = binding;
    return notes;
  }

  /** Ledger first; then, and only if nothing was revoked meanwhile, the upstream. */
  private async send(granted: Granted): Promise<Arrival> {
    const { call, binding, question } = granted;
    const { ledger, clock, mcp } = this.parts;
    const once = binding.resource.singleUse ? [singleUse(question.token.claims)] : [];
    const taken = await ledger.intent(call.notes, granted.permission, once).catch((error: unknown) => {
      if (error instanceof ApprovalUseError && granted.request) return this.parts.approvals.again(granted.request);
      throw error;
    });
    const entries = await mcp.record(call.notes, granted);
    const others = entries instanceof GatewayError ? undefined : entries;
    const arrival = await this.depart(granted, entries).catch((error: unknown): Arrival => ({
      ...NOWHERE,
      error: toRefusal(error),
    }));
    const durationMs = clock.monotonic() - call.startedAt;
    for (const notes of [call.notes, ...(others?.allowed ?? [])])
      ledger.outcome(notes, { arrival, durationMs, upstream: binding.upstreamHost, echoed: call.echoed });
    if (arrival.error !== undefined && !arrival.started)
      await this.giveBack(call, [...taken, ...(others?.taken ?? [])]);
    return arrival;
  }

  private async depart(granted: Granted, entries: BatchEntries | GatewayError | undefined): Promise<Arrival> {
    const { call, binding, question } = granted;
    if (entries instanceof GatewayError) throw entries;
    await this.withholdRevoked(granted);
    const injected = await this.parts.credentials.of(binding, question.token.claims);
    const { zone, index } = call.notes.receipt ?? { zone: call.notes.zone, index: 0 };
    const body =
      this.parts.mcp.bodyOf(granted) ??
      (await heldBody(call.incoming, injected.hold ?? 'none', binding.limits.maxBodyBytes));
    const mcpAnswer = await this.parts.mcp.answerPlan(granted, entries, call.now);
    // A credential may have been fetched or signed, a body waited for.
    await this.withholdRevoked(granted);
    const flight = forward({
      incoming: call.incoming,
      binding,
      target: call.target,
      injected,
      body,
      mcpAnswer,
      ownHeaders: [
        'X-Request-Id',
        call.incoming.facts.requestId,
        'Authority-Receipt',
        `${zone}/${index}`,
        ...(call.nonce === undefined ? [] : ['DPoP-Nonce', call.nonce]),
        ...call.rateLimit,
      ],
      publicUrl: this.parts.urls.base(),
      onEcho: (where) => this.noteEcho(call, where),
    });
    const unwatch = this.watch(granted, flight);
    return flight.arrival.finally(unwatch);
  }

  /** Between the checks and the entry authority may have ended; then nothing leaves. */
  private async withholdRevoked(granted: Granted): Promise<void> {
    const { question, revocations } = granted;
    if (this.parts.authority.revocationCount(question.zone.slug) === revocations) return;
    const verdict = await this.parts.mcp.confirm(granted);
    if ('lost' in verdict) throw new GatewayError(verdict.lost, { detail: WITHHELD });
  }

  private watch(granted: Granted, flight: Flight): () => void {
    const { question, permission } = granted;
    return this.parts.open.watch({
      zone: question.zone.slug,
      endsAt: permission.endsAt,
      confirm: () => this.parts.mcp.confirm(granted),
      cut: (code, detail = 'cut') => flight.abort(new GatewayError(code, { detail })),
    });
  }

  private noteEcho(call: Call, where: 'header' | 'body'): void {
    call.echoed.push(where);
    this.parts.metrics.echoed(where);
  }

  /** What was spent on a call that never left is given back. */
  private async giveBack({ incoming, notes }: Granted['call'], taken: readonly OnceClaim[]): Promise<void> {
    await this.parts.ledger
      .release(notes.zone, taken)
      .catch((fault: unknown) => this.parts.onFault(fault, incoming.facts.requestId));
  }

  /** Even the refusal failed: nobody is left waiting for an answer. */
  private giveUp({ incoming }: Call, fault: unknown): void {
    this.parts.onFault(fault, incoming.facts.requestId);
    incoming.response.destroy();
  }

  private async refuse(call: Call, refusal: GatewayError): Promise<void> {
    const error = await this.record(call, refusal);
    this.report(call, error);
    const { incoming, notes, target } = call;
    if (incoming.response.headersSent || incoming.response.destroyed) return;
    answerRefusal(incoming.response, error, {
      requestId: incoming.facts.requestId,
      base: this.parts.urls.base(),
      metadataUrl: target && this.parts.urls.resourceMetadata(target.zone, target.slug),
      tokenPresented: incoming.request.headers.authorization !== undefined,
      scope: error.status === 401 ? scopesOf(call) : undefined,
      receipt: notes?.receipt && `${notes.receipt.zone}/${notes.receipt.index}`,
      algorithms: this.parts.proof.algorithms,
      nonce: call.nonce,
      rateLimit: error instanceof RateLimited ? error.fields : call.rateLimit,
    });
  }

  private report({ incoming, notes }: Call, error: GatewayError): void {
    this.parts.metrics.refused(error.code);
    incoming.summarize({
      code: error.code,
      reason: error.detail,
      zone: notes?.zone,
      principal: notes?.claims?.client_id,
    });
    if (error.detail === 'unexpected') this.parts.onFault(error.cause, incoming.facts.requestId);
  }

  /** The refusal as it may be answered: one that cannot be recorded becomes the reason why not. */
  private async record({ notes }: Call, refusal: GatewayError): Promise<GatewayError> {
    if (!notes) return refusal;
    try {
      await this.parts.ledger.refusal(notes, refusal);
      return refusal;
    } catch (error) {
      return toRefusal(error);
    }
  }
}

function scopesOf({ binding, target, incoming: { request } }: Call): string | undefined {
  if (!binding || !target) return undefined;
  return knownScopes(binding, { method: request.method ?? '', path: target.path, rawHeaders: request.rawHeaders });
}
