import type { OnceClaim } from '../audit/index.js';
import type { Clock } from '../kernel/clock.js';
import type { PublicUrls } from '../platform/urls/index.js';
import type { Binding, Bindings } from './bindings.js';
import type { CallAuthority, CallQuestion, Permission } from './call-authority.js';
import { type CallLedger, singleUse, toRefusal, WITHHELD } from './call-ledger.js';
import { CallNotes } from './call-notes.js';
import { GatewayError } from './domain/gateway-error.js';
import { requireForwardable, requireTarget } from './domain/request-rule.js';
import type { GatewayTarget } from './domain/target.js';
import { type Arrival, type Flight, forward } from './forwarding.js';
import type { GatewayMetrics } from './gateway-metrics.js';
import { drainRest, type Incoming } from './http/incoming.js';
import type { MandateProof } from './http/mandate-proof.js';
import { answerRefusal } from './http/refusal-answer.js';
import type { OpenCalls } from './open-calls.js';
import { type CallOperation, matchCall } from './operation-matching.js';
import type { ProviderCredentials } from './provider-credentials.js';
import { RateLimited, type RateLimits } from './rate-limits.js';

export interface GatewayParts {
  readonly bindings: Bindings;
  readonly authority: CallAuthority;
  readonly proof: MandateProof;
  readonly credentials: ProviderCredentials;
  readonly ledger: CallLedger;
  readonly rates: RateLimits;
  readonly open: OpenCalls;
  readonly metrics: GatewayMetrics;
  readonly urls: PublicUrls;
  readonly clock: Clock;
  readonly onFault: (error: unknown) => void;
}

/** One call as far as it has come. */
interface Call {
  readonly incoming: Incoming;
  readonly now: number;
  readonly startedAt: number;
  notes?: CallNotes;
  target?: GatewayTarget;
  /** What `DPoP-Nonce` says on every answer where the zone asks for nonces. */
  nonce?: string | undefined;
  rateLimit: readonly string[];
  readonly echoed: ('header' | 'body')[];
}

/** A call that may be made. */
interface Granted {
  readonly call: Call & Required<Pick<Call, 'notes' | 'target'>>;
  readonly binding: Binding;
  readonly question: CallQuestion;
  readonly operation: CallOperation;
  readonly permission: Permission;
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
    const { bindings, authority, proof, rates } = this.parts;
    const { request, facts } = call.incoming;
    const target = requireTarget(request.url ?? '');
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
    const operation = await matchCall(binding, call.incoming, target.path);
    const facet = { method: request.method ?? '', path: target.path || '/', template: operation.template };
    notes.operation({ ...facet, mcp: operation.mcp });
    call.rateLimit = rates.take(`${zone.slug}/${resource.id}`, limits.requestsPerMinute);
    const asked = { ...facet, mcpMethod: operation.mcp?.method, mcpTool: operation.mcp?.tool };
    const question: CallQuestion = {
      zone,
      resource,
      token,
      operation: asked,
      scopes: operation.scopes,
      address: facts.address,
    };
    const permission = await authority.decide(question, call.now);
    await binding.bulkhead.enter();
    try {
      await this.send({ call: { ...call, notes, target }, binding, question, operation, permission, revocations });
    } finally {
      binding.bulkhead.leave();
    }
  }

  private know(call: Call, target: GatewayTarget, { resource }: Binding): CallNotes {
    const notes = new CallNotes(target.zone, call.incoming.facts, call.now);
    notes.add({ resource: resource.identifier });
    notes.operation({ method: call.incoming.request.method ?? '', path: target.path || '/' });
    call.notes = notes;
    call.target = target;
    return notes;
  }

  /** Ledger first; then, and only if nothing was revoked meanwhile, the upstream. */
  private async send(granted: Granted): Promise<void> {
    const { call, binding, question } = granted;
    const { ledger, clock } = this.parts;
    const once = binding.resource.singleUse ? singleUse(question.token.claims) : undefined;
    await ledger.intent(call.notes, granted.permission.policy, once);
    const arrival = await this.depart(granted).catch((error: unknown): Arrival => ({
      ...NOWHERE,
      error: toRefusal(error),
    }));
    const durationMs = clock.monotonic() - call.startedAt;
    ledger.outcome(call.notes, { arrival, durationMs, upstream: binding.upstreamHost, echoed: call.echoed });
    if (arrival.error === undefined) return;
    if (once && !arrival.started) await this.release(call.notes.zone, once);
    throw arrival.error;
  }

  private async depart(granted: Granted): Promise<Arrival> {
    const { call, binding, question } = granted;
    await this.withholdRevoked(granted);
    const injected = await this.parts.credentials.of(binding, question.token.claims);
    const { zone, index } = call.notes.receipt ?? { zone: call.notes.zone, index: 0 };
    const flight = forward({
      incoming: call.incoming,
      binding,
      target: call.target,
      injected,
      body: granted.operation.body,
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
  private async withholdRevoked({ question, revocations }: Granted): Promise<void> {
    const { authority } = this.parts;
    if (authority.revocationCount(question.zone.slug) === revocations) return;
    const verdict = await authority.confirm(question);
    if ('lost' in verdict) throw new GatewayError(verdict.lost, { detail: WITHHELD });
  }

  private watch({ question, permission }: Granted, flight: Flight): () => void {
    return this.parts.open.watch({
      zone: question.zone.slug,
      endsAt: permission.endsAt,
      confirm: () => this.parts.authority.confirm(question),
      cut: (code) => flight.abort(new GatewayError(code, { detail: 'cut' })),
    });
  }

  private noteEcho(call: Call, where: 'header' | 'body'): void {
    call.echoed.push(where);
    this.parts.metrics.echoed(where);
  }

  private async release(zone: string, once: OnceClaim): Promise<void> {
    await this.parts.ledger.release(zone, once).catch(this.parts.onFault);
  }

  /** Even the refusal failed: nobody is left waiting for an answer. */
  private giveUp({ incoming }: Call, fault: unknown): void {
    this.parts.onFault(fault);
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
    if (error.detail === 'unexpected') this.parts.onFault(error.cause);
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
