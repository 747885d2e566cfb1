export { GatewayModule } from './gateway.module.js';
export { OpenCalls } from './open-calls.js';
export { registerGateway, type TakeBroken } from './register-gateway.js';
export { GATEWAY_ENTITIES } from './mcp/persistence/mcp-session-store.js';
