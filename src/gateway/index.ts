export { GatewayModule } from './gateway.module.js';
export { registerGateway, type TakeBroken } from './register-gateway.js';
