import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Binding } from './bindings.js';
import { ClientGoneError, RequestBody } from './upstream/request-body.js';
import { type EchoForms, echoForms } from './domain/echo-forms.js';
import type { GatewayTarget } from './domain/target.js';
import { announcedNames, type RawHeaders, upstreamHeaders, upstreamTrailers } from './domain/upstream-request.js';
import { upstreamTarget } from './domain/upstream-target.js';
import { type AnswerParts, AnswerStream } from './http/answer-stream.js';
import { hasBody, type Incoming, openBody } from './http/incoming.js';
import { type AnswerPlan, McpAnswer } from './mcp/mcp-answer.js';
import type { InjectedCredential } from './provider-credentials.js';
import { UpgradeAnswer } from './tunnel/upgrade-answer.js';
import type { WebSocketTunnel } from './tunnel/websocket-tunnel.js';
import { BodyDigest } from './upstream/body-digest.js';
import { DigestedAnswer } from './upstream/digested-answer.js';
import { Tries } from './upstream/tries.js';
import type { AnswerSink, UpstreamCall } from './upstream/upstream-exchange.js';

/** Switching Protocols (RFC 9110 §15.2.2). */
const SWITCHED = 101;

/** A call that was decided and recorded, ready to leave. */
export interface Departure {
  readonly incoming: Incoming;
  readonly binding: Binding;
  readonly target: GatewayTarget;
  readonly injected: InjectedCredential;
  /** The body when it was read already. */
  readonly body?: Buffer | undefined;
  /** What we add to the answer, names and values in turn. */
  readonly ownHeaders: readonly string[];
  /** Host by which callers know the gateway. */
  readonly publicUrl: string;
  /** How the answer of an MCP server is treated. */
  readonly mcpAnswer?: AnswerPlan | undefined;
  /** The upstream gave an injected secret away. */
  readonly onEcho: (where: 'header' | 'body') => void;
}

/** How a call ended. */
export interface Arrival {
  /** Undefined when the answer is complete. */
  readonly error?: Error | undefined;
  /** The status that the caller saw of the upstream, if any. */
  readonly status?: number | undefined;
  /** A part of the request may have reached the upstream. */
  readonly started: boolean;
  /** It was sent a second time, with another credential. */
  readonly retried?: boolean;
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** `address:port` that the request went to. */
  readonly upstreamAddress?: string | undefined;
  /** Of the body as it was sent, when the resource asks for digests. */
  readonly requestDigest?: string | undefined;
  /** Of the body as it came from the upstream. */
  readonly responseDigest?: string | undefined;
}

/** A call under way. */
export interface Flight {
  readonly arrival: Promise<Arrival>;
  abort(error: Error): void;
}

/** Sends a call to its upstream and streams the answer back; the arrival always resolves. */
export function forward(departure: Departure): Flight {
  const { incoming, binding } = departure;
  const body =
    departure.body ?? (hasBody(incoming.request) ? openBody(incoming, binding.limits.maxBodyBytes) : undefined);
  const first = outgoingOf(departure, body);
  const digests = digestsOf(departure, body);
  let arrive: (arrival: Arrival) => void = () => undefined;
  const arrival = new Promise<Arrival>((resolve) => (arrive = resolve));
  const done = (error?: Error): void =>
    arrive({
      error,
      status: sink.tunnel ? SWITCHED : answer.status,
      started: tries.started,
      retried: tries.retried,
      bytesIn: sink.tunnel?.bytesIn ?? bytesOf(body),
      bytesOut: sink.tunnel?.bytesOut ?? answer.bytes,
      upstreamAddress: tries.peer,
      requestDigest: tries.started ? digests?.request.value() : undefined,
      responseDigest: answer.status === undefined ? undefined : digests?.response.value(),
    });
  const parts = answerParts(departure, first.echo);
  const answer: AnswerStream = new AnswerStream(incoming.response, parts, {
    drained: () => {
      sink.drained?.();
      tries.resume();
    },
    echoed: departure.onEcho,
    cut: (error) => tries.abort(error),
    done,
  });
  const sink: Sink = sinkOf(departure, answer, {
    parts,
    done,
    resume: () => tries.resume(),
    cut: (error) => tries.abort(error),
  });
  const again = secondCall(departure, body, answer);
  const tries: Tries = new Tries(first.call, {
    sink: digests ? new DigestedAnswer(sink, digests.response) : sink,
    transport: binding.transport,
    again,
  });
  incoming.response.once('close', () => {
    if (!incoming.response.writableFinished) tries.abort(new ClientGoneError());
  });
  if (incoming.response.destroyed) tries.abort(new ClientGoneError());
  else tries.dispatch();
  return { arrival, abort: (error) => (sink.tunnel ?? tries).abort(error) };
}

interface Digests {
  readonly request: BodyDigest;
  readonly response: BodyDigest;
}

/** What takes the digests of a call's bodies; undefined when the resource asks for none, and for a WebSocket. */
function digestsOf({ binding, incoming }: Departure, body: RequestBody | Buffer | undefined): Digests | undefined {
  if (!binding.resource.digests || incoming.upgrade !== undefined) return undefined;
  const digests = { request: new BodyDigest(), response: new BodyDigest() };
  if (body instanceof RequestBody) body.digest = digests.request;
  else if (body !== undefined) digests.request.update(body);
  return digests;
}

function answerParts({ incoming, binding, ownHeaders }: Departure, echo: EchoForms): AnswerParts {
  return { method: incoming.request.method ?? '', rules: binding.rules, ownHeaders, echo };
}

type Sink = AnswerSink & { readonly tunnel?: WebSocketTunnel | undefined; readonly drained?: () => void };

interface SinkEvents {
  readonly parts: AnswerParts;
  readonly done: (error?: Error) => void;
  readonly resume: () => void;
  readonly cut: (error: Error) => void;
}

function sinkOf(departure: Departure, answer: AnswerStream, events: SinkEvents): Sink {
  const { incoming, binding, mcpAnswer } = departure;
  const { upgrade, response } = incoming;
  if (upgrade === undefined) return mcpAnswer ? new McpAnswer(answer, mcpAnswer, events) : answer;
  const { idleTimeoutMs, totalTimeoutMs } = binding.limits;
  const { parts, done } = events;
  return new UpgradeAnswer(answer, {
    ...parts,
    response,
    upgrade,
    idleTimeoutMs,
    totalTimeoutMs,
    done,
  });
}

/** How the request is made again with another credential; undefined for one that cannot be sent twice or has none to renew. */
function secondCall(
  departure: Departure,
  body: RequestBody | Buffer | undefined,
  answer: AnswerStream,
): (() => Promise<Outgoing['call'] | undefined>) | undefined {
  const { renew } = departure.injected;
  if (!renew || (body !== undefined && !Buffer.isBuffer(body))) return undefined;
  return async () => {
    const renewed = await renew();
    if (!renewed) return undefined;
    const outgoing = outgoingOf({ ...departure, injected: renewed }, body);
    answer.alsoScrub(outgoing.echo);
    return outgoing.call;
  };
}

/** The request as it is sent, and what must not come back of it. */
interface Outgoing {
  readonly call: UpstreamCall;
  readonly echo: EchoForms;
}

function outgoingOf(departure: Departure, body: RequestBody | Buffer | undefined): Outgoing {
  const { incoming, binding, target, injected } = departure;
  const { headersTimeoutMs, idleTimeoutMs, totalTimeoutMs } = binding.limits;
  const method = incoming.request.method ?? '';
  const path = upstreamTarget(binding.basePath, target.path, target.query, injected.credential.query);
  const signed = injected.sign?.({
    method,
    target: path,
    host: binding.upstreamHost,
    headers: headersOf(departure, body),
    body: body === undefined || Buffer.isBuffer(body) ? body : 'stream',
  });
  return {
    call: {
      method,
      target: path,
      headers: signed?.headers ?? headersOf(departure, body),
      body,
      trailers: body instanceof RequestBody ? trailersOf(departure) : undefined,
      upgrade: incoming.upgrade !== undefined,
      headersTimeoutMs,
      idleTimeoutMs,
      totalTimeoutMs,
    },
    echo: signed ? echoForms(signed.secrets) : injected.echo,
  };
}

/** The fields after a body are known when it has ended; that there will be some has to be known before it begins (RFC 9110 §6.6.2). */
function trailersOf({ incoming: { request }, injected }: Departure): (() => RawHeaders) | undefined {
  if (!announcesTrailers(request)) return undefined;
  return () => upstreamTrailers(request.rawTrailers, request.rawHeaders, injected.credential.header?.name);
}

function announcesTrailers({ headers }: IncomingMessage): boolean {
  return headers.trailer !== undefined && headers['transfer-encoding'] !== undefined;
}

function trailerField(
  { incoming: { request }, injected }: Departure,
  body: RequestBody | Buffer | undefined,
): string[] {
  if (!(body instanceof RequestBody) || !announcesTrailers(request)) return [];
  const names = announcedNames(request.rawHeaders, injected.credential.header?.name);
  return names.length > 0 ? ['trailer', names.join(', ')] : [];
}

function headersOf(departure: Departure, body: RequestBody | Buffer | undefined): string[] {
  const { incoming, binding, injected, publicUrl } = departure;
  const { request, facts } = incoming;
  const headers = upstreamHeaders(request.rawHeaders, {
    requestId: facts.requestId,
    traceparent: childTrace(facts.traceId),
    tracestate: continuesTrace(incoming) ? request.headersDistinct['tracestate']?.join(',') : undefined,
    credential: injected.credential.header,
  });
  const length = Buffer.isBuffer(body) ? String(body.length) : request.headers['content-length'];
  if (body !== undefined && length !== undefined) headers.push('content-length', length);
  headers.push(...trailerField(departure, body));
  if (binding.resource.xForwarded) headers.push(...forwardedFields(facts.address, publicUrl));
  return headers;
}

function forwardedFields(address: string, publicUrl: string): string[] {
  const { protocol, host } = new URL(publicUrl);
  const proto = protocol.slice(0, -1);
  return ['x-forwarded-for', address, 'x-forwarded-proto', proto, 'x-forwarded-host', host];
}

let lastSpan = randomBytes(8).readBigUInt64BE();

/** Unique among this process's spans and, by its random start, very likely among all. */
function spanId(): string {
  lastSpan = BigInt.asUintN(64, lastSpan + 1n) || 1n;
  return lastSpan.toString(16).padStart(16, '0');
}

/** A span of ours in the caller's trace (W3C Trace Context §3.2). */
function childTrace(traceId: string | undefined): string {
  return `00-${traceId ?? randomBytes(16).toString('hex')}-${spanId()}-01`;
}

function continuesTrace({ request, facts }: Incoming): boolean {
  const { traceparent } = request.headers;
  return facts.traceId !== undefined && typeof traceparent === 'string' && traceparent.slice(3, 35) === facts.traceId;
}

function bytesOf(body: RequestBody | Buffer | undefined): number {
  if (body === undefined) return 0;
  return Buffer.isBuffer(body) ? body.length : body.bytes;
}
