export { APP_CONFIG, SECRET_FILES } from './app-config.js';
export type { AppConfig, GrantableEgress, SecretName, SecretSource } from './app-config.js';
export { ConfigError, loadConfig } from './load-config.js';
export { takeEnvironment } from './process-environment.js';
export type { Environment } from './variables.js';
export { VERSION } from './version.js';
