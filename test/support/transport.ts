import { EgressGuard, SystemResolver, UpstreamTransport } from '../../src/platform/egress/index.js';

/** The gateway's way to an upstream on loopback. */
export function transportTo(url: string): UpstreamTransport {
  const guard = new EgressGuard({ allowLoopback: true, grantable: [], production: false }, new SystemResolver());
  return new UpstreamTransport(guard, new URL(url).origin, { connectTimeoutMs: 5_000, connections: 256 });
}
