export { EgressClient, type OutboundAnswer, type OutboundRequest } from './egress-client.js';
export { EgressGuard, type EgressOptions, type EgressTerms, type PoolTerms, type TlsIdentity } from './egress-guard.js';
export { type EgressGrants, type PortRange, parsePortRange } from './grants.js';
export { RESOLVER, type Resolver, ServerResolver, SystemResolver } from './resolver.js';
export { DialError } from './vetted-dial.js';
export { RemoteKeys } from './remote-keys.js';
export type { Connection, Transport } from './upstream/transport.js';
export { UpstreamTransport } from './upstream/upstream-transport.js';
