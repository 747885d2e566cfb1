import { Inject, Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import {
  Catalogue,
  OPERATION_SCHEMAS,
  type OperationPredicates,
  type Predicate,
  ProviderSecrets,
  type ProviderView,
  type ResourceView,
  type ZoneView,
} from '../control/index.js';
import { CLOCK, type Clock } from '../kernel/clock.js';
import type { JsonObject } from '../kernel/json.js';
import { EgressGuard, type TlsIdentity, type Transport, UpstreamTransport } from '../platform/egress/index.js';
import { GatewayError } from './domain/gateway-error.js';
import { effectiveLimits, type Limits } from './domain/limits/effective-limits.js';
import { type CallConditions, compileOperations, type OperationTable } from './domain/operation.js';
import type { GatewayTarget } from './domain/target.js';
import type { ResponseRules } from './domain/upstream-response.js';
import { UpstreamGate } from './limits/upstream-gate.js';
import { compileMcpRules, type McpRule, type McpRules } from './mcp/domain/mcp-rules.js';

/** A resource made ready for calls: what its catalogue entry means, and the connections to its upstream. */
export interface Binding {
  readonly resource: ResourceView;
  readonly provider: ProviderView | undefined;
  readonly operations: OperationTable;
  /** Operations on tools, prompts and resources of an MCP server. */
  readonly mcp: McpRules;
  readonly limits: Limits;
  /** `upstream_url`'s path as it is. */
  readonly basePath: string;
  readonly upstreamHost: string;
  readonly rules: ResponseRules;
  readonly transport: Transport;
  readonly gate: UpstreamGate;
}

export interface Bound {
  readonly zone: ZoneView;
  readonly binding: Binding;
}

interface Pooled extends Binding {
  readonly close: () => unknown;
}

const MOST_BINDINGS = 4_096;
/** A binding that was replaced may still be in the hands of calls that wait; those under way are let finish in any case. */
const RETIRE_MS = 30_000;

/** Finds what a target is bound to. A binding lasts as long as the catalogue shows the same resource and provider. */
@Injectable()
export class Bindings {
  private readonly known = new LRUCache<string, Pooled>({ max: MOST_BINDINGS, dispose: (binding) => binding.close() });

  constructor(
    private readonly catalogue: Catalogue,
    private readonly guard: EgressGuard,
    private readonly secrets: ProviderSecrets,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** Throws `not_found` unless zone and resource are there and enforced here; killed zones are there. */
  async of(target: GatewayTarget): Promise<Bound> {
    const zone = await this.catalogue.zone(target.zone);
    const resource = zone && zone.status !== 'archived' ? zone.resourceBySlug(target.slug) : undefined;
    if (!zone || !resource || !isServed(resource)) throw new GatewayError('not_found');
    return { zone, binding: this.bind(zone, resource) };
  }

  close(): void {
    this.known.clear();
  }

  private bind(zone: ZoneView, resource: ResourceView): Binding {
    const key = `${zone.slug}/${resource.id}`;
    const provider = resource.provider === undefined ? undefined : zone.provider(resource.provider);
    const known = this.known.get(key);
    if (known?.resource === resource && known.provider === provider) return known;
    const surroundings = {
      guard: this.guard,
      identity: this.identity(zone.slug, provider),
      now: () => this.clock.monotonic(),
    };
    const made = makeBinding(resource, provider, surroundings);
    this.known.set(key, made);
    return made;
  }

  /** The client certificate of a provider of kind `mtls`. It opens its key when a connection is made, and without it none is. */
  private identity(zone: string, provider: ProviderView | undefined): (() => TlsIdentity) | undefined {
    if (provider?.kind !== 'mtls') return undefined;
    return () => {
      try {
        return tlsIdentity(provider, this.secrets.open(zone, provider));
      } catch (cause) {
        throw new GatewayError('credential_unavailable', { detail: 'the certificate or its key is not usable', cause });
      }
    };
  }
}

function tlsIdentity({ config }: ProviderView, secret: JsonObject): TlsIdentity {
  const { certificate, ca_certificate: ca } = config;
  const { private_key: privateKey } = secret;
  if (typeof certificate !== 'string' || typeof privateKey !== 'string') throw new Error('a part is missing');
  return { certificate, privateKey, ca: typeof ca === 'string' ? ca : undefined };
}

/** True for a resource that calls may be made to. */
export function isServed(resource: ResourceView): boolean {
  return resource.status === 'active' && resource.enforcement === 'gateway' && resource.upstreamUrl !== undefined;
}

interface Surroundings {
  readonly guard: EgressGuard;
  readonly identity: (() => TlsIdentity) | undefined;
  readonly now: () => number;
}

function makeBinding(
  resource: ResourceView,
  provider: ProviderView | undefined,
  { guard, identity, now }: Surroundings,
): Pooled {
  const upstream = new URL(resource.upstreamUrl as string);
  const limits = effectiveLimits(resource.limits);
  const transport = new UpstreamTransport(guard, upstream.origin, {
    grants: resource.egress,
    injectsCredential: provider !== undefined && provider.kind !== 'none',
    connectTimeoutMs: limits.connectTimeoutMs,
    connections: limits.maxConcurrent,
    identity,
  });
  return {
    resource,
    provider,
    ...operationsOf(resource),
    limits,
    basePath: upstream.pathname,
    upstreamHost: upstream.host,
    rules: {
      upstreamOrigin: upstream.origin,
      basePath: upstream.pathname.replace(/\/$/, ''),
      gatewayUrl: resource.gatewayUrl,
      passCookies: resource.cookies === 'pass',
    },
    transport,
    gate: new UpstreamGate({ most: limits.maxConcurrent, patienceMs: limits.queueTimeoutMs, now }),
    close: () => setTimeout(() => transport.close(), RETIRE_MS).unref(),
  };
}

function operationsOf({ operations }: ResourceView): Pick<Binding, 'operations' | 'mcp'> {
  const named: McpRule[] = [];
  const rules = operations.flatMap((operation) => {
    const scopes = operation.scope.split(' ');
    if ('path' in operation)
      return [{ method: operation.method, path: operation.path, scopes, conditions: conditionsOf(operation) }];
    named.push({ ...ruleOf(operation), scopes });
    return [];
  });
  return { operations: compileOperations(rules), mcp: compileMcpRules(named) };
}

type McpDeclaration = Exclude<ResourceView['operations'][number], { readonly path: string }>;

function ruleOf(operation: McpDeclaration): Omit<McpRule, 'scopes'> {
  if ('mcp_prompt' in operation) return { kind: 'prompt', name: operation.mcp_prompt };
  if ('mcp_resource' in operation) return { kind: 'resource', name: operation.mcp_resource };
  const { mcp_tool: name, args } = operation;
  if (args === undefined) return { kind: 'tool', name };
  let compiled: ReturnType<typeof OPERATION_SCHEMAS.compileArguments> | undefined;
  const accepts = (given: JsonObject): boolean => (compiled ??= OPERATION_SCHEMAS.compileArguments(args))(given);
  return { kind: 'tool', name, accepts, declared: OPERATION_SCHEMAS.readableArguments(args) };
}

/** Compiled when a call first asks, since that takes longer than a call may wait for the conditions of others. */
function conditionsOf(predicates: OperationPredicates): CallConditions | undefined {
  const { params, query, body } = predicates;
  if (params === undefined && query === undefined && body === undefined) return undefined;
  return { params: lazily('params', params), query: lazily('query', query), body: lazily('body', body) };
}

function lazily(part: keyof OperationPredicates, schema: OperationPredicates['body']): Predicate | undefined {
  if (schema === undefined) return undefined;
  let compiled: Predicate | undefined;
  return (value) => (compiled ??= OPERATION_SCHEMAS.compilePredicate(part, schema))(value);
}
