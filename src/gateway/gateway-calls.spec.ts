import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { transportTo } from '../../test/support/transport.js';
import { Registry } from 'prom-client';
import type { AuditLedger, EntryDraft, OnceClaim, OutcomeSink } from '../audit/index.js';
import type { ApprovalUse, Holds, ResourceView, ZoneView } from '../control/index.js';
import { AppError } from '../kernel/app-error.js';
import type { PublicUrls } from '../platform/urls/index.js';
import { CallApprovals } from './approvals/call-approvals.js';
import type { Binding, Bindings } from './bindings.js';
import { UpstreamGate } from './limits/upstream-gate.js';
import type { CallAuthority } from './call-authority.js';
import type { RunawayBreaker } from '../coordinator/index.js';
import { CallLedger } from './call-ledger.js';
import { echoForms } from './domain/echo-forms.js';
import { GatewayError } from './domain/gateway-error.js';
import { effectiveLimits } from './domain/limits/effective-limits.js';
import { compileOperations } from './domain/operation.js';
import { GatewayCalls } from './gateway-calls.js';
import { GatewayMetrics } from './gateway-metrics.js';
import type { MandateProof } from './http/mandate-proof.js';
import { compileMcpRules } from './mcp/domain/mcp-rules.js';
import { McpCalls } from './mcp/mcp-calls.js';
import type { McpSessions } from './mcp/mcp-sessions.js';
import { OpenCalls } from './open-calls.js';
import type { ProviderCredentials } from './provider-credentials.js';
import { RateLimits } from './limits/rate-limits.js';

const servers: Server[] = [];
const open = new OpenCalls(() => 0);

/** What the parts around the call do; each test bends one. */
interface World {
  events: string[];
  entries: EntryDraft[];
  released: OnceClaim[];
  upstream: (request: IncomingMessage, response: ServerResponse) => void;
  append: () => Promise<{ zone: string; index: number; replayed: boolean; lost: readonly string[] }>;
  credential: () => Promise<void>;
  counts: number[];
  confirm: () => Promise<{ endsAt: number } | { lost: 'revoked' }>;
  singleUse: boolean;
}

let world: World;

beforeEach(() => {
  world = {
    events: [],
    entries: [],
    released: [],
    upstream: (_request, response) => {
      world.events.push('upstream');
      response.end('answer');
    },
    append: () => Promise.resolve({ zone: 'z', index: 7, replayed: false, lost: [] }),
    credential: () => Promise.resolve(),
    counts: [0],
    confirm: () => Promise.resolve({ endsAt: 1 }),
    singleUse: false,
  };
});

afterEach(async () => {
  await Promise.all(
    servers.splice(0).map((server) => new Promise((resolve) => server.close(resolve).closeAllConnections())),
  );
});

async function listen(server: Server): Promise<string> {
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function call(path = '/x'): Promise<Response> {
  const upstream = await listen(createServer((request, response) => world.upstream(request, response)));
  const calls = makeCalls(upstream);
  const front = createServer((request, response) => {
    const facts = { requestId: 'req', address: '127.0.0.1' };
    void calls.handle({ request, response, facts, summarize: () => undefined });
  });
  return fetch(`${await listen(front)}/g/z/s${path}`, { headers: { authorization: 'Bearer t' } });
}

function makeCalls(upstream: string): GatewayCalls {
  const resource = {
    id: 'r',
    identifier: 'urn:r',
    gatewayUrl: 'http://gw/g/z/s',
    singleUse: world.singleUse,
  } as ResourceView;
  const binding: Binding = {
    resource,
    provider: undefined,
    operations: compileOperations([{ method: '*', path: '/**', scopes: ['use'] }]),
    mcp: compileMcpRules([]),
    limits: effectiveLimits({}),
    basePath: '/',
    upstreamHost: 'upstream',
    rules: { upstreamOrigin: upstream, basePath: '', gatewayUrl: resource.gatewayUrl, passCookies: false },
    transport: transportTo(upstream),
    gate: new UpstreamGate({ most: 1, patienceMs: 1_000, now: () => 0 }),
  };
  const claims = { jti: 'jti-1', exp: 1_000, sub: 'app:a', client_id: 'a', txn: 't', zone: 'z' };
  const counts = [...world.counts];
  const authority = {
    verify: () => Promise.resolve({ token: { claims, kid: 'k' }, scheme: 'bearer' }),
    requireActive: () => Promise.resolve(),
    decide: () => Promise.resolve({ endsAt: Number.POSITIVE_INFINITY, policy: { version: 0 }, budgets: [], edges: [] }),
    revocationCount: () => (counts.length > 1 ? counts.shift() : counts[0]),
    confirm: () => world.confirm(),
  };
  const audit = {
    append: (entry: EntryDraft) => {
      world.events.push(`entry:${entry.decision}`);
      world.entries.push(entry);
      return world.append();
    },
    refusal: (entry: EntryDraft) => Promise.resolve(void world.entries.push(entry)),
    release: (_zone: string, claim: OnceClaim) => Promise.resolve(void world.released.push(claim)),
  };
  const outcomes = {
    push: (entry: EntryDraft) => void world.events.push(`outcome:${(entry.detail as { ended: string }).ended}`),
  };
  const breaker = { note: () => Promise.resolve() };
  const credentials = {
    of: () => world.credential().then(() => ({ credential: { secrets: [] }, echo: echoForms([]) })),
  };
  const ledger = new CallLedger(
    audit as unknown as AuditLedger,
    outcomes as unknown as OutcomeSink,
    {} as ApprovalUse,
    breaker as unknown as RunawayBreaker,
  );
  return new GatewayCalls({
    bindings: { of: () => Promise.resolve({ zone: { slug: 'z' } as ZoneView, binding }) } as unknown as Bindings,
    authority: authority as unknown as CallAuthority,
    approvals: new CallApprovals(authority as unknown as CallAuthority, {} as Holds, {
      now: () => 0,
      monotonic: () => 0,
    }),
    proof: { algorithms: [], nonce: () => undefined, require: () => undefined } as unknown as MandateProof,
    credentials: credentials as unknown as ProviderCredentials,
    ledger,
    mcp: new McpCalls(authority as unknown as CallAuthority, ledger, {} as McpSessions),
    rates: new RateLimits({ now: () => 0, replicas: () => 1, shared: undefined }),
    open,
    metrics: new GatewayMetrics(new Registry(), () => 0),
    urls: { base: () => 'http://gw', resourceMetadata: () => 'http://gw/meta' } as unknown as PublicUrls,
    load: { sheds: () => false },
    clock: { now: () => 0, monotonic: () => performance.now() },
    onFault: () => undefined,
  });
}

describe('[T6] the ledger comes first', () => {
  it('the entry is durable before the upstream sees the call', async () => {
    let commit: () => void = () => undefined;
    world.append = () =>
      new Promise((resolve) => (commit = () => resolve({ zone: 'z', index: 7, replayed: false, lost: [] })));
    const answer = call();
    while (world.events.length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(world.events).toEqual(['entry:allow']);
    commit();
    expect([(await answer).status, (await answer).headers.get('authority-receipt')]).toEqual([200, 'z/7']);
    expect(world.events).toEqual(['entry:allow', 'upstream', 'outcome:complete']);
  });

  it('an entry that cannot be written: 503 audit_unavailable, and no call', async () => {
    world.append = () =>
      Promise.reject(new AppError('temporarily_unavailable', '', { detail: 'audit_unavailable: no disk' }));
    const answer = await call();
    expect([answer.status, answer.headers.get('caracal-error'), answer.headers.get('retry-after')]).toEqual([
      503,
      'audit_unavailable',
      '1',
    ]);
    expect(world.events).not.toContain('upstream');
  });
});

describe('[T3] nothing leaves that was revoked meanwhile', () => {
  it('a revocation between the decision and the entry withholds the call', async () => {
    world.counts = [0, 1];
    world.confirm = () => Promise.resolve({ lost: 'revoked' });
    const answer = await call();
    expect([answer.status, answer.headers.get('caracal-error')]).toEqual([401, 'revoked']);
    expect(world.events).toEqual(['entry:allow', 'outcome:withheld']);
  });

  it('so does one while its credential was fetched', async () => {
    world.confirm = () => Promise.resolve({ lost: 'revoked' });
    world.counts = [0, 0, 1];
    const answer = await call();
    expect([answer.status, answer.headers.get('caracal-error')]).toEqual([401, 'revoked']);
    expect(world.events).toEqual(['entry:allow', 'outcome:withheld']);
  });

  it('news that do not concern the call do not hold it up', async () => {
    world.counts = [0, 1];
    expect((await call()).status).toBe(200);
  });
});

describe('[T3] a mandate for one use', () => {
  beforeEach(() => {
    world.singleUse = true;
  });

  it('is given back when the gateway failed before a byte left', async () => {
    world.credential = () => Promise.reject(new GatewayError('credential_unavailable'));
    const answer = await call();
    expect([answer.status, answer.headers.get('caracal-error')]).toEqual([502, 'credential_unavailable']);
    expect(world.released).toEqual([expect.objectContaining({ kind: 'mandate', key: 'jti-1' })]);
  });

  it('is spent when the upstream may have seen the call', async () => {
    world.upstream = (request) => request.socket.destroy();
    const answer = await call();
    expect([answer.status, answer.headers.get('caracal-error')]).toEqual([502, 'upstream_unavailable']);
    expect(world.released).toEqual([]);
  });

  it('is refused the second time, without a second entry', async () => {
    world.append = () => Promise.resolve({ zone: 'z', index: 8, replayed: true, lost: ['mandate'] });
    const answer = await call();
    expect([answer.status, answer.headers.get('caracal-error'), answer.headers.get('authority-receipt')]).toEqual([
      401,
      'replayed',
      'z/8',
    ]);
    expect(world.events).toEqual(['entry:allow']);
  });
});

describe('refusals', () => {
  it('a path with two readings never gets as far as a decision', async () => {
    const answer = await call('/a%2fb');
    expect([answer.status, answer.headers.get('caracal-error')]).toEqual([400, 'path_not_allowed']);
    expect(world.entries).toEqual([
      expect.objectContaining({
        type: 'gateway.request',
        decision: 'deny',
        reasons: ['path_not_allowed', 'encoded_separator'],
      }),
    ]);
  });

  it('what nobody expected is a refusal that says nothing', async () => {
    world.credential = () => Promise.reject(new TypeError('a bug with a secret in it'));
    const answer = await call();
    expect([answer.status, answer.headers.get('caracal-error')]).toEqual([503, 'view_stale']);
    expect(await answer.text()).not.toContain('bug');
  });
});
